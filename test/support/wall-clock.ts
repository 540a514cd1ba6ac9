// A wall clock that a test sets for our commands only. libfaketime, preloaded, adds an offset that it reads
// from a file whenever the clock is read. The monotonic clock and timers are not affected. Child processes
// such as an edge's workers inherit the clock; nats-server does not, because it asks the kernel directly.
//
//    const clock = new WallClock();
//    await EnckeCommand.start(["up"], /live page/, { env: clock.env });
//    clock.set(3_600);

import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

/**
 * Folders in which distributions install the library; Debian's has a name that depends on the architecture.
 */
const FOLDERS: readonly string[] = [
  ...folderNames("/usr/lib").map((name) => join("/usr/lib", name, "faketime")),
  "/usr/lib/faketime",
  "/usr/lib64/faketime",
];
const library: string | undefined = FOLDERS.map((folder) => join(folder, "libfaketime.so.1")).find(
  existsSync,
);

/** Why the library is not available, or false if it is. */
export const skipWallClock: string | false =
  library === undefined ? "no libfaketime on this machine (Debian: faketime)" : false;

export class WallClock {
  readonly #file: string = join(tempDir(), "offset");
  /** Environment of a process that uses this clock. */
  readonly env: Readonly<Record<string, string>> = {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: this.#file,
    FAKETIME_NO_CACHE: "1",
    // older versions use the first name
    DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };

  constructor() {
    this.set(0);
  }

  /** Sets the clock this many seconds ahead of the machine's, or back if negative. Takes effect at once. */
  set(aheadSeconds: number): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}\n`);
    renameSync(next, this.#file); // no process sees half a file
  }
}

function folderNames(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
