// The checkout in which the end-to-end test follows docs/deploy.md: a copy of what git knows here and of what is not
// committed yet, nothing that was built or installed. Lies in the lab's folder and goes with it.

import { mkdirSync } from "node:fs";
import { projectRoot } from "../../lib/project.ts";
import { run } from "../run.ts";
import { checkout } from "./places.ts";

/** Of this folder, whoever owns it: the lab runs as root. */
const LIST = "git -c safe.directory='*' ls-files -z --cached --others --exclude-standard --deduplicate";

/** @throws InfraError TOOL_FAILED where this is no git checkout */
export async function makeCheckout(signal: AbortSignal): Promise<void> {
  mkdirSync(checkout, { recursive: true });
  // files that were deleted and not committed are listed, too
  const copy = `${LIST} | tar --create --null --files-from - --ignore-failed-read 2>/dev/null | tar --extract --directory "$1"`;
  await run("/bin/sh", ["-c", copy, "sh", checkout], { cwd: projectRoot, signal });
}
