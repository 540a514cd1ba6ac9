// Preloaded into a program (`node --import`), writes the program's CPU and peak memory as JSON to descriptor
// 3 when it ends. Benches of commands use it, because the figures of a process cannot be read after it has
// ended.

import { writeSync } from "node:fs";

process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeSync(3, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMb: maxRSS / 1_024 }));
});
