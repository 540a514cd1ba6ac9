// Tests whether a disk accepts writes by writing to it. The free space that the system reports does not
// account for quotas, limits on file sizes or failing disks. Uses one file of PROBE_BYTES for a moment and
// leaves nothing behind.

import { randomFillSync } from "node:crypto";
import { open, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * What LevelDB may write while it opens a directory: a log of 4 MB as tables, a manifest, a new log, and a
 * reserve.
 */
const PROBE_BYTES = 16_777_216;
const PART_BYTES = 1_048_576;
/** Differs from every file name that LevelDB uses. */
const PROBE_FILE = "encke.probe";

/** Rejects, with the system's error or one of ours, if PROBE_BYTES cannot be written and synced. */
export async function probeDisk(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  // a cheap check that does not use up the little space that other programs have left
  if (bavail * bsize < PROBE_BYTES)
    throw new Error(`${bavail * bsize} bytes are free, ${PROBE_BYTES} are needed`);
  const path = join(directory, PROBE_FILE);
  const file = await open(path, "w", 0o600);
  try {
    await unlink(path); // the file disappears with its descriptor, even if the process is killed
    const part = randomFillSync(new Uint8Array(PART_BYTES)); // a file system may store zeroes as nothing
    for (let at = 0; at < PROBE_BYTES; at += PART_BYTES) await file.writeFile(part);
    await file.datasync();
  } finally {
    await file.close();
  }
}
