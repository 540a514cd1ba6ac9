// Settings of the history and of replays from it, shared by all commands that run a graph service.

import { byteSize, durationMs, integer } from "../lib/schemas.ts";
import type { Setting, ValuesOf } from "../lib/settings.ts";
import type { HistoryBounds } from "./history/retention.ts";
import { DEFAULT_REPLAY_EVENTS } from "./replay/page-reader.ts";
import { DEFAULT_HISTORY_BOUNDS } from "./service.ts";

/** Each row takes 4 bytes of memory, or 9 if the service owns several partitions. */
const MAX_ROWS = 1_000_000_000;
/** Each missed event is looked up again for every page. */
const MAX_REPLAY_EVENTS = 100_000;

export const historySettings = {
  historyEvents: {
    value: "N",
    help: "maximum number of stored events; when a history bound is exceeded, the oldest are deleted",
    schema: integer(1, MAX_ROWS),
    default: DEFAULT_HISTORY_BOUNDS.maxRows,
  } as Setting<number>,
  historyAge: {
    value: "TIME",
    help: "maximum age of stored events: 30m, 24h, 7d",
    schema: durationMs,
    default: DEFAULT_HISTORY_BOUNDS.maxAgeMs,
    defaultText: "24h",
  } as Setting<number>,
  historyBytes: {
    value: "SIZE",
    help: "maximum size of stored events: 512MiB, 4GiB; also bounds the events that wait for fan-out",
    schema: byteSize,
    default: DEFAULT_HISTORY_BOUNDS.maxBytes,
    defaultText: "4GiB",
  } as Setting<number>,
  replayEvents: {
    value: "N",
    help: "maximum number of events that a returning reader is sent per partition; beyond it, the reader is told to reload",
    schema: integer(1, MAX_REPLAY_EVENTS),
    default: DEFAULT_REPLAY_EVENTS,
  } as Setting<number>,
};

export function historyBoundsOf(values: ValuesOf<typeof historySettings>): HistoryBounds {
  return { maxRows: values.historyEvents, maxAgeMs: values.historyAge, maxBytes: values.historyBytes };
}
