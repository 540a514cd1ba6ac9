// Where a partition's stream continues after what is stored. The epoch of a stream's sequence numbers is the
// time at which the stream was created, so that services agree on it without a word. A new epoch begins only
// where numbers were used twice: the stream was made again, or it went back, as after the loss of a disk.
// Owned by the event log; the epochs are stored with the graph.

import { EventEncoder, formatEventId } from "../../broker/contract.ts";
import type { BrokerClient, StreamState } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { EventStreams, GraphStore } from "../graph-store.ts";
import { epochAt } from "../history/epoch.ts";
import type { History } from "../history/history.ts";
import { sinceOfRestart } from "../history/restart-hole.ts";
import { ROW_KIND } from "../history/row.ts";
import type { Partitions } from "../partitions.ts";
import { goneError } from "./event-streams.ts";
import { readDirect, readEvent } from "./incoming.ts";

export interface StreamStartsOptions {
  readonly client: Pick<BrokerClient, "jetStream">;
  readonly store: Pick<GraphStore, "eventStreams" | "noteEventStreams">;
  readonly history: History;
  readonly partitions: Partitions;
  readonly log: Logger;
}

export class StreamStarts {
  readonly #options: StreamStartsOptions;
  readonly #encoder = new EventEncoder();
  #streams: EventStreams;

  constructor(options: StreamStartsOptions) {
    this.#options = options;
    this.#streams = options.store.eventStreams;
  }

  /**
   * Prepares the history for the next messages of a stream, and returns the sequence of the first of them.
   * @throws BrokerError JETSTREAM_UNAVAILABLE; GraphError GRAPH_STREAMS_UNFIT if the stream is gone
   */
  async resume(partition: number, stream: string): Promise<number> {
    const { client, history } = this.#options;
    const state = await client.jetStream.find(stream);
    if (state === undefined) throw goneError(stream);
    const known = this.#streams[partition];
    if (known?.createdMs !== state.createdMs) return this.#beginWith(partition, state);
    const next = history.nextPosition(partition);
    if (next.epoch !== known.epoch) return this.#begin(partition, state, known.epoch, state.first);
    const applied = next.sequence - 1;
    const agreed = await this.#lastAgreed(partition, stream, state, applied);
    if (agreed === applied) return next.sequence;
    this.#options.log.error(
      { stream, applied, agreed },
      "the stream went back: events after that are numbered in a new epoch",
    );
    return this.#begin(partition, state, this.#newEpoch(partition, Date.now()), agreed + 1);
  }

  /** Begins with a stream from which nothing has been stored yet. */
  async #beginWith(partition: number, state: StreamState): Promise<number> {
    const { history } = this.#options;
    const { lastListeningMs } = history;
    const epoch = this.#newEpoch(partition, state.createdMs);
    const isNewHistory = history.nextPosition(partition).epoch === 0;
    if (isNewHistory || lastListeningMs === undefined)
      return this.#begin(partition, state, epoch, state.first);
    // what was published between the end of the earlier numbering and this stream's first message is lost
    await this.#begin(partition, state, epoch, state.first - 1);
    history.appendHole(partition, "graph-restarted", sinceOfRestart(history));
    return state.first;
  }

  async #begin(partition: number, state: StreamState, epoch: number, first: number): Promise<number> {
    const { history, store } = this.#options;
    this.#streams = { ...this.#streams, [partition]: { createdMs: state.createdMs, epoch } };
    await store.noteEventStreams(this.#streams);
    await history.continueAt(partition, { epoch, sequence: first });
    return first;
  }

  /** Returns the epoch that begins at a time, or the next one after the partition's present epoch. */
  #newEpoch(partition: number, timeMs: number): number {
    return Math.max(epochAt(timeMs), this.#options.history.nextPosition(partition).epoch + 1);
  }

  /**
   * Returns the newest sequence, up to `applied`, at which stream and history hold the same message, or at
   * which one of them holds nothing to compare any more. O(log n) requests if the stream went back.
   */
  async #lastAgreed(
    partition: number,
    stream: string,
    { first, last }: StreamState,
    applied: number,
  ): Promise<number> {
    if (applied < first) return last < applied ? last : applied;
    if (last >= applied && (await this.#agrees(partition, stream, applied))) return applied;
    let [agreed, other] = [first - 1, Math.min(applied, last + 1)];
    while (other - agreed > 1) {
      const middle = Math.floor((agreed + other) / 2);
      if (await this.#agrees(partition, stream, middle)) agreed = middle;
      else other = middle;
    }
    return agreed;
  }

  async #agrees(partition: number, stream: string, sequence: number): Promise<boolean> {
    const { client, history, partitions } = this.#options;
    const { epoch } = history.nextPosition(partition);
    const ordinal = history.ordinalAt(partition, { epoch, sequence });
    const row = ordinal === undefined ? undefined : history.read(ordinal);
    if (row === undefined || (row.kind !== ROW_KIND.event && row.kind !== ROW_KIND.direct)) return true;
    const message = await client.jetStream.message(stream, sequence);
    if (message === undefined) return false;
    try {
      const read = row.kind === ROW_KIND.direct ? readDirect : readEvent;
      const { name, topic, payload } = read(message, partitions.of);
      const id = formatEventId({ partition, epoch, sequence });
      const body = this.#encoder.encode(id, topic, row.timeMs, payload);
      return name === row.name && Buffer.compare(body, row.body) === 0;
    } catch {
      return false; // a message that would have been refused
    }
  }
}
