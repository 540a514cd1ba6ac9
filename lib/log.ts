// Logging: one JSON line an entry on standard error, so that standard output stays for answers that programs read. A
// line that cannot be written is dropped and counted (line-sink.ts): no log ends or holds up a service.

import { type Logger, pino } from "pino";
import { standardError } from "./output.ts";

export type { Logger } from "pino";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that names its part of the system; entries below `level` cost one comparison. */
export function createLogger(part: string, level: LogLevel): Logger {
  return pino({ name: part, level, base: { part, pid: process.pid } }, standardError);
}
