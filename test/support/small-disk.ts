// A disk that a test may fill: a tmpfs of its own, unmounted when the process ends. Only root may mount one.

import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

const mounted: string[] = [];
// before the folder that it is mounted on is removed
process.prependListener("exit", () => {
  for (const path of mounted) spawnSync("umount", ["--lazy", path]);
});

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** Undefined where this process may not mount. */
  static mount(mebibytes: number): SmallDisk | undefined {
    const path = tempDir();
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path]);
    if (status !== 0) return undefined;
    mounted.push(path);
    return new SmallDisk(path);
  }

  /** Leaves this many bytes free. */
  fill(leaving: number): void {
    rmSync(this.#ballast, { force: true });
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(this.#ballast, new Uint8Array(bavail * bsize - leaving));
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }
}
