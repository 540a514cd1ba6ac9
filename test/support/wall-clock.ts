// A wall clock that a test sets, for our commands alone: libfaketime, preloaded, adds an offset that it reads from a file
// at every look. The monotonic clock and timers stay as they are. Children inherit it (an edge's workers); nats-server does
// not, since it asks the kernel directly.
//
//   const clock = new WallClock();
//   await EnckeCommand.start(["up"], /live page/, { env: clock.env });
//   clock.set(3_600);

import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

/** Where distributions put it; Debian's folder carries the machine's name. */
const FOLDERS: readonly string[] = [
  ...folderNames("/usr/lib").map((name) => join("/usr/lib", name, "faketime")),
  "/usr/lib/faketime",
  "/usr/lib64/faketime",
];
const library: string | undefined = FOLDERS.map((folder) => join(folder, "libfaketime.so.1")).find(
  existsSync,
);

/** Why it cannot be had here; false when it can. */
export const skipWallClock: string | false =
  library === undefined ? "no libfaketime on this machine (Debian: faketime)" : false;

export class WallClock {
  readonly #file: string = join(tempDir(), "offset");
  /** The environment of a process that goes by this clock. */
  readonly env: Readonly<Record<string, string>> = {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: this.#file,
    FAKETIME_NO_CACHE: "1",
    // the first is the name in older versions
    DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };

  constructor() {
    this.set(0);
  }

  /** Sets the clock to so many seconds ahead of the machine's, negative for behind. In effect at once. */
  set(aheadSeconds: number): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}\n`);
    renameSync(next, this.#file); // never half a file
  }
}

function folderNames(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
