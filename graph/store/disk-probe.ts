// Finds out whether a disk takes writes, by writing: free space as the system states it knows nothing of quotas, limits on
// file sizes and failing disks. Leaves nothing behind; holds one file of PROBE_BYTES for a moment.

import { randomFillSync } from "node:crypto";
import { open, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";

/** What LevelDB may write while it opens a directory: a log of 4 MB as tables, a manifest, a new log, and some to go on. */
const PROBE_BYTES = 16_777_216;
const PART_BYTES = 1_048_576;
/** Unlike every name that LevelDB gives to a file. */
const PROBE_FILE = "encke.probe";

/** Rejects with the system's error, or one of ours, where PROBE_BYTES cannot be written and synced. */
export async function probeDisk(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  // cheap, and does not fill what little room others have left
  if (bavail * bsize < PROBE_BYTES)
    throw new Error(`${bavail * bsize} bytes are free, ${PROBE_BYTES} are needed`);
  const path = join(directory, PROBE_FILE);
  const file = await open(path, "w", 0o600);
  try {
    await unlink(path); // gone with the descriptor, whatever happens to the process
    const part = randomFillSync(new Uint8Array(PART_BYTES)); // a file system may store zeroes as nothing
    for (let at = 0; at < PROBE_BYTES; at += PART_BYTES) await file.writeFile(part);
    await file.datasync();
  } finally {
    await file.close();
  }
}
