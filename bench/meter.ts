// Loaded before a program (`node --import`): at its end it writes what it took, as JSON, to descriptor 3. Used by
// benches of commands that end by themselves, whose figures nobody can read any more when they are gone.

import { writeSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeSync(3, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMb: maxRSS / 1_024 }));
});
