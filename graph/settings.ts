// Settings of the intake, the history and replays from it, shared by all commands that run a graph service.

import { byteSize, durationMs, integer, oneOf } from "../lib/schemas.ts";
import type { Setting, ValuesOf } from "../lib/settings.ts";
import type { HistoryBounds } from "./history/retention.ts";
import { INTAKES, type IntakeKind } from "./intake/choose-numbering.ts";
import { DEFAULT_REPLAY_EVENTS } from "./replay/page-reader.ts";
import { DEFAULT_HISTORY_BOUNDS, DEFAULT_INTAKE, type IntakeOptions } from "./service.ts";

/** Each row takes 4 bytes of memory, or 9 if the service owns several partitions. */
const MAX_ROWS = 1_000_000_000;
/** JetStream's maximum. */
const MAX_REPLICAS = 5;
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

export const intakeSettings = {
  intake: {
    value: INTAKES.join("|"),
    help: "what stores events first: JetStream streams, which survive this service, or the service itself; auto uses the streams where they exist",
    schema: oneOf(INTAKES),
    default: "auto",
  } as Setting<IntakeKind>,
  streamBytes: {
    value: "SIZE",
    help: "disk space for the streams of events on each NATS server: 4GiB",
    schema: byteSize,
    default: DEFAULT_INTAKE.streams.bytes,
    defaultText: "4GiB",
  } as Setting<number>,
  streamAge: {
    value: "TIME",
    help: "maximum age of events in the streams: 30m, 24h, 7d",
    schema: durationMs,
    default: DEFAULT_INTAKE.streams.maxAgeMs,
    defaultText: "24h",
  } as Setting<number>,
  replicas: {
    value: "N",
    help: "number of NATS servers that store each stream; by default 3 in a cluster and 1 elsewhere",
    schema: integer(1, MAX_REPLICAS),
  } as Setting<number | undefined>,
  fanOutWithin: {
    value: "TIME",
    help: "after an interruption, events older than this are stored for readers who return, and not sent to those who are connected",
    schema: durationMs,
    default: DEFAULT_INTAKE.fanOutWithinMs,
    defaultText: "1m",
  } as Setting<number>,
};

/** The settings of the streams, and the kind of the intake. */
export function intakeOf(values: ValuesOf<typeof intakeSettings>): IntakeOptions {
  const { intake: kind, streamBytes: bytes, streamAge: maxAgeMs, replicas, fanOutWithin } = values;
  return { kind, streams: { bytes, maxAgeMs, replicas }, fanOutWithinMs: fanOutWithin };
}

export function historyBoundsOf(values: ValuesOf<typeof historySettings>): HistoryBounds {
  return { maxRows: values.historyEvents, maxAgeMs: values.historyAge, maxBytes: values.historyBytes };
}
