// Logging: one JSON line per entry on standard error, so that standard output is left for results that
// programs read. A line that cannot be written is dropped and counted (line-sink.ts); a log entry never ends
// or blocks a service.

import { type Logger, pino } from "pino";
import { standardError } from "./output.ts";

export type { Logger } from "pino";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Creates a logger that names its part of the system. An entry below `level` costs one comparison. */
export function createLogger(part: string, level: LogLevel): Logger {
  return pino({ name: part, level, base: { part, pid: process.pid } }, standardError);
}
