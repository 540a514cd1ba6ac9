// Registers the graph service's metrics. Each reads a counter of the part that owns it.

import { registerClientMetrics } from "../broker/index.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { ServiceParts } from "./assemble.ts";

const MS_PER_SECOND = 1_000;

export function registerMetrics(metrics: Metrics, parts: ServiceParts): void {
  registerStoreMetrics(metrics, parts);
  registerFanOutMetrics(metrics, parts);
  registerStreamMetrics(metrics, parts);
  registerCatchUpMetrics(metrics, parts);
  registerHistoryMetrics(metrics, parts);
  registerReplayMetrics(metrics, parts);
  registerPresenceMetrics(metrics, parts);
  metrics.counter(
    "encke_graph_shares_total",
    "Requests to the owners of other partitions by result",
    () => ({ ...parts.lists.counts }),
    "result",
  );
  registerClientMetrics(metrics, parts.client);
}

function registerStoreMetrics(metrics: Metrics, { store }: ServiceParts): void {
  metrics.gauge("encke_graph_follows", "Follows in the graph", () => store.follows);
  metrics.gauge(
    "encke_graph_waiting_changes",
    "Changes that wait to be written to disk",
    () => store.waitingChanges,
  );
  metrics.gauge("encke_graph_audit_changes", "Changes that the audit holds", () => store.audit.length);
  metrics.counter(
    "encke_graph_audit_trimmed_total",
    "Changes trimmed from the audit",
    () => store.audit.trimmed,
  );
  metrics.counter(
    "encke_graph_audit_failed_trims_total",
    "Attempts to trim the audit that failed",
    () => store.audit.failedTrims,
  );
  metrics.gauge("encke_graph_writable", "1 while changes can be written to disk, otherwise 0", () =>
    Number(store.trouble === undefined),
  );
  metrics.counter("encke_graph_failed_writes_total", "Failed writes to disk", () => store.failedWrites);
  metrics.counter(
    "encke_graph_log_records_total",
    "Records appended to change logs by result",
    () => store.appends,
    "result",
  );
  metrics.gauge("encke_graph_log_usable", "1 while every change log accepts changes, otherwise 0", () =>
    Number(store.logTrouble === undefined),
  );
  metrics.gauge("encke_graph_rows", "Rows of followers held in memory", () => store.receivers.rows);
  metrics.gauge("encke_graph_row_bytes", "Memory used by the rows of followers", () => store.receivers.bytes);
  metrics.counter(
    "encke_graph_lookups_total",
    "Rows of followers looked up for events, by where they were found",
    () => store.receivers.lookups,
    "from",
  );
}

function registerFanOutMetrics(metrics: Metrics, parts: ServiceParts): void {
  const { expander, long, intake, sends, fanOut, distributor, messages, window, narrowWindow } = parts;
  metrics.gauge("encke_graph_waiting_events", "Events that wait for their fan-out", () => expander.waiting);
  metrics.gauge(
    "encke_graph_long_events",
    "Events with very many followers that are being sent",
    () => long.size,
  );
  metrics.gauge(
    "encke_graph_tick_seconds",
    "Time for which frames are collected before they are sent to edges",
    () => messages.tickMs / MS_PER_SECOND,
  );
  metrics.counter(
    "encke_graph_events_total",
    "Events by result",
    () => ({ ...intake.counts, ...fanOut.counts }),
    "result",
  );
  metrics.counter(
    "encke_graph_copies_total",
    "Copies of events by the way they were sent",
    () => distributor.counts,
    "way",
  );
  metrics.counter(
    "encke_graph_uncounted_replies_total",
    "Replies sent without a count because the fan-out of their event had not begun in time",
    () => sends.uncounted,
  );
  metrics.counter(
    "encke_graph_frames_total",
    "Frames and other messages about events sent to edges",
    () => messages.sent,
  );
  metrics.counter(
    "encke_graph_laggards_total",
    "Times that the fan-out stopped waiting for a slow edge",
    () => window.laggards + narrowWindow.laggards,
  );
}

/** Where streams number the events. */
function registerStreamMetrics(metrics: Metrics, { events, streamIntake }: ServiceParts): void {
  if (events === undefined || streamIntake === undefined) return;
  const { twins, repairs } = streamIntake;
  metrics.gauge(
    "encke_graph_intake_waiting_events",
    "Events that arrived from producers and not yet from the stream",
    () => twins.size,
  );
  metrics.counter(
    "encke_graph_intake_repaired_total",
    "Times that an event was published again because the stream had not stored it",
    () => repairs.published,
  );
  metrics.counter(
    "encke_graph_intake_unstored_total",
    "Events that the stream did not store, by reason",
    () => ({ refused: repairs.abandoned, memory: twins.dropped }),
    "reason",
  );
  metrics.counter(
    "encke_graph_intake_lost_total",
    "Messages that the streams no longer held when they were read",
    () => events.lost,
  );
  metrics.counter(
    "encke_graph_intake_restarts_total",
    "Times that a stream was read again after an interruption",
    () => events.restarts,
  );
}

function registerCatchUpMetrics(metrics: Metrics, { catchUps, resentRows, markers }: ServiceParts): void {
  metrics.gauge("encke_graph_catching_up_edges", "Edges that catch up from the history", () => catchUps.size);
  metrics.counter(
    "encke_graph_catch_ups_total",
    "Times that an edge was sent what it lacked from the history",
    () => catchUps.started,
  );
  metrics.counter(
    "encke_graph_resent_events_total",
    "Events sent from the history to edges that catch up",
    () => resentRows.sent,
  );
  metrics.counter(
    "encke_graph_markers_total",
    "Markers sent to edges in subject mode among their copies",
    () => markers.sent,
  );
}

function registerHistoryMetrics(metrics: Metrics, { history }: ServiceParts): void {
  metrics.gauge("encke_graph_history_events", "Events stored in the history", () => history.rows);
  metrics.gauge(
    "encke_graph_history_bytes",
    "Size of the events stored in the history, in bytes",
    () => history.bytes,
  );
  metrics.gauge(
    "encke_graph_history_memory_bytes",
    "Memory used by the history, in bytes, including its newest events",
    () => history.memoryBytes,
  );
  metrics.gauge(
    "encke_graph_history_oldest_timestamp_seconds",
    "Time of the oldest stored event, in seconds since 1970; 0 if none is stored",
    () => (history.oldestMs ?? 0) / 1_000,
  );
  metrics.counter(
    "encke_graph_history_refused_events_total",
    "Events that the disk rejected on arrival; they are sent, and stored later if they are still in memory",
    () => history.refusedRows,
  );
}

function registerReplayMetrics(metrics: Metrics, { replays, withdrawals }: ServiceParts): void {
  metrics.counter(
    "encke_graph_replays_total",
    "Requests of edges for what returning readers missed, by result",
    () => ({ ...replays.counts }),
    "result",
  );
  metrics.counter("encke_graph_replayed_events_total", "Events replayed", () => replays.events);
  metrics.counter(
    "encke_graph_replay_seconds_total",
    "Time spent on replays, in seconds",
    () => replays.spentMs / MS_PER_SECOND,
  );
  metrics.gauge("encke_graph_replays_waiting", "Replay requests that wait", () => replays.waiting);
  metrics.counter(
    "encke_graph_replayed_holes_total",
    "Holes reported to returning readers, by reason",
    () => replays.holes,
    "reason",
  );
  metrics.counter(
    "encke_graph_withdrawals_total",
    "Messages to edges that a user no longer receives a topic",
    () => withdrawals.sent,
  );
}

function registerPresenceMetrics(metrics: Metrics, { registry, online, receiver }: ServiceParts): void {
  metrics.gauge("encke_graph_known_edges", "Edge workers considered alive", () => registry.size);
  metrics.gauge("encke_graph_online_users", "Users announced by edges in frames mode", () => online.size);
  metrics.counter(
    "encke_graph_restarts_total",
    "Times that an edge had to announce all its users again",
    () => receiver.restarts,
  );
  metrics.counter(
    "encke_graph_expired_total",
    "Edges removed because they stopped sending",
    () => registry.expired,
  );
  metrics.counter(
    "encke_graph_refused_total",
    "Messages refused from edges beyond the limit or with another protocol version",
    () => receiver.refused,
  );
}
