// The JetStream streams that capture what producers publish: one per partition, which gives its events their
// order. They are created once, all or none, after a check that their sizes fit; afterwards they are only
// compared with what was asked for, because an operator may have reasons to change them. Stateless.

import { capturedSubjects } from "../../broker/contract.ts";
import { type BrokerClient, differencesOf, type StreamConfig, type StreamState } from "../../broker/index.ts";
import { codeOf, messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { GraphError } from "../errors.ts";
import type { Partitions } from "../partitions.ts";
import { replicasFor } from "../replicas.ts";

/** How long message ids are remembered by a stream: 130 bytes of the server's memory each. */
const DUPLICATE_WINDOW_MS = 60_000;

/** What an operator decides about the streams. */
export interface StreamSettings {
  /** Disk space for the events of all partitions on each NATS server that stores them. */
  readonly bytes: number;
  readonly maxAgeMs: number;
  /** Defaults to 3 in a cluster and to 1 elsewhere. */
  readonly replicas?: number | undefined;
}

/** A partition's stream. */
export interface EventStream {
  readonly partition: number;
  readonly name: string;
  readonly state: StreamState;
}

function eventStreamName(partition: number, { of }: Pick<Partitions, "of">): string {
  return of === 1 ? "ENCKE_EVENTS" : `ENCKE_EVENTS_${partition}`;
}

/**
 * Returns which of the owned partitions' streams exist. @throws BrokerError NO_JETSTREAM,
 * JETSTREAM_UNAVAILABLE
 */
export async function findEventStreams(client: BrokerClient, partitions: Partitions): Promise<EventStream[]> {
  const found: EventStream[] = [];
  for (const partition of partitions.owned) {
    const name = eventStreamName(partition, partitions);
    const state = await client.jetStream.find(name);
    if (state !== undefined) found.push({ partition, name, state });
  }
  return found;
}

/**
 * Returns the streams of the owned partitions, and creates those that do not exist. Logs what differs from
 * the settings.
 * @param mayCreate whether a partition's stream may be created: not if events of an earlier one are stored
 * @throws BrokerError NO_JETSTREAM, JETSTREAM_UNAVAILABLE, STREAM_REFUSED; GraphError GRAPH_STREAMS_UNFIT
 */
export async function openEventStreams(
  client: BrokerClient,
  partitions: Partitions,
  settings: StreamSettings,
  { mayCreate, log }: { readonly mayCreate: (partition: number) => boolean; readonly log: Logger },
): Promise<EventStream[]> {
  const replicas = replicasFor(client, settings.replicas);
  const streams = await findEventStreams(client, partitions);
  const missing = partitions.owned.filter((owned) => !streams.some(({ partition }) => partition === owned));
  const gone = missing.find((partition) => !mayCreate(partition));
  if (gone !== undefined) throw goneError(eventStreamName(gone, partitions));
  const configOf = (partition: number): StreamConfig =>
    configFor(partition, partitions, { ...settings, replicas });
  if (missing.length > 0) {
    await refuseTooLarge(client, missing.length * sizeOf(partitions, settings), settings);
    streams.push(
      ...(await createAll(
        client,
        missing.map((partition) => ({ partition, config: configOf(partition) })),
      )),
    );
    log.info({ partitions: missing, replicas }, "created the streams of the events");
  }
  for (const { partition, name, state } of streams)
    for (const { field, wanted, found } of differencesOf(configOf(partition), state.config))
      log.warn(
        { stream: name, field, wanted, found },
        "the stream is not configured as the settings ask: change a flag, or the stream with `nats stream edit`",
      );
  return streams;
}

/** Returns the error of a stream that does not exist although events of it are stored. */
export function goneError(stream: string): GraphError {
  return new GraphError(
    "GRAPH_STREAMS_UNFIT",
    `the stream ${stream} is gone, and events of it are stored here: restore it, or start once with --intake core, after which a new one may be created`,
  );
}

function configFor(
  partition: number,
  partitions: Partitions,
  settings: StreamSettings & { readonly replicas: number },
): StreamConfig {
  return {
    name: eventStreamName(partition, partitions),
    subjects: capturedSubjects(partition, partitions.of),
    replicas: settings.replicas,
    maxBytes: sizeOf(partitions, settings),
    maxAgeMs: settings.maxAgeMs,
    duplicateWindowMs: Math.min(DUPLICATE_WINDOW_MS, settings.maxAgeMs),
    acknowledges: false,
    canDelete: true,
  };
}

/** Every server of a cluster may hold a replica of every partition. */
function sizeOf({ of }: Partitions, { bytes }: StreamSettings): number {
  return Math.floor(bytes / of);
}

/** @throws GraphError GRAPH_STREAMS_UNFIT if the account may not store this much */
async function refuseTooLarge(client: BrokerClient, bytes: number, settings: StreamSettings): Promise<void> {
  const { maxBytes, usedBytes } = await client.jetStream.account();
  if (usedBytes + bytes <= maxBytes) return;
  throw new GraphError(
    "GRAPH_STREAMS_UNFIT",
    `the streams need ${bytes} bytes and the account has ${maxBytes - usedBytes} left: lower --stream-bytes (${settings.bytes}), or raise the account's max_file`,
  );
}

/** Creates all of these streams or, if NATS refuses one, none. */
async function createAll(
  client: BrokerClient,
  wanted: readonly { readonly partition: number; readonly config: StreamConfig }[],
): Promise<EventStream[]> {
  const made: EventStream[] = [];
  try {
    for (const { partition, config } of wanted)
      made.push({ partition, name: config.name, state: await client.jetStream.create(config) });
    return made;
  } catch (error) {
    for (const { name } of made) await client.jetStream.delete(name);
    if (codeOf(error) !== "STREAM_REFUSED") throw error;
    throw new GraphError(
      "GRAPH_STREAMS_UNFIT",
      `${messageOf(error)}: lower --stream-bytes, raise the server's max_file_store, or see whether another stream captures event.> or user.*`,
      { cause: error },
    );
  }
}
