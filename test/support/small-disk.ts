// A disk that a test may fill: a tmpfs, unmounted when the process ends. Only root may mount one.

import { spawnSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

const mounted: string[] = [];
// runs before the mount point is removed
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

  /** Mounts a disk of this size; undefined if this process may not mount. */
  static mount(mebibytes: number): SmallDisk | undefined {
    const path = tempDir();
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path]);
    if (status !== 0) return undefined;
    mounted.push(path);
    return new SmallDisk(path);
  }

  /** Fills the disk except for this many bytes. */
  fill(leaving: number): void {
    rmSync(this.#ballast, { force: true });
    const { bavail, bsize } = statfsSync(this.path);
    writeFileSync(this.#ballast, new Uint8Array(bavail * bsize - leaving));
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }
}
