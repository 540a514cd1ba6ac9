// Makes the checkout in which the end-to-end test follows docs/deploy.md: a copy of the files that git tracks
// here and of new ones, without anything that was built or installed. It is in the folder of the lab and is
// removed with it.

import { mkdirSync } from "node:fs";
import { projectRoot } from "../../lib/project.ts";
import { run } from "../run.ts";
import { checkout } from "./places.ts";

/** Lists the files. The lab runs as root, and git otherwise refuses a checkout of another user. */
const LIST = "git -c safe.directory='*' ls-files -z --cached --others --exclude-standard --deduplicate";

/** @throws InfraError TOOL_FAILED if this is not a git checkout */
export async function makeCheckout(signal: AbortSignal): Promise<void> {
  mkdirSync(checkout, { recursive: true });
  // the list contains deleted files whose deletion is not committed
  const copy = `${LIST} | tar --create --null --files-from - --ignore-failed-read 2>/dev/null | tar --extract --directory "$1"`;
  await run("/bin/sh", ["-c", copy, "sh", checkout], { cwd: projectRoot, signal });
}
