// Ends a process at once, as kill -9 does.

import assert from "node:assert/strict";

/** Kills a process that must exist: to the system, 0 would mean this process and all others of its group. */
export function kill9(pid: number | undefined): void {
  assert.ok(pid !== undefined && pid > 0, "no process to kill");
  process.kill(pid, "SIGKILL");
}
