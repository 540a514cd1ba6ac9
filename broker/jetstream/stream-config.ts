// The configuration of a stream: the part that this project decides, its form in JetStream's API, and the
// comparison with the configuration that is in force. A server ignores or refuses fields that it does not
// know, depending on its version, so what came back is compared and never assumed.

import { type StreamConfig as ApiConfig, DiscardPolicy, nanos, RetentionPolicy, StorageType } from "nats";

export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly replicas: number;
  /** Maximum size, in bytes. */
  readonly maxBytes: number;
  /** Maximum age of a message, in milliseconds; 0 if messages are kept until something else removes them. */
  readonly maxAgeMs: number;
  /** How long message ids are remembered for deduplication, in milliseconds. */
  readonly duplicateWindowMs: number;
  /** Whether publishers receive an acknowledgement from the stream. */
  readonly acknowledges: boolean;
  /** Whether messages can be deleted through the API. */
  readonly canDelete: boolean;
}

/** A field whose value in force is not the one that was asked for. */
export interface Difference {
  readonly field: string;
  readonly wanted: unknown;
  readonly found: unknown;
}

/** Returns a configuration in the form of the API. */
export function encodeConfig(config: StreamConfig): Partial<ApiConfig> & { name: string } {
  return {
    name: config.name,
    subjects: [...config.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    num_replicas: config.replicas,
    max_bytes: config.maxBytes,
    max_age: nanos(config.maxAgeMs),
    duplicate_window: nanos(config.duplicateWindowMs),
    no_ack: !config.acknowledges,
    deny_delete: !config.canDelete,
    allow_direct: true,
  };
}

/** Compares a configuration with the one that is in force. */
export function differencesOf(
  config: StreamConfig,
  inForce: Readonly<Record<string, unknown>>,
): readonly Difference[] {
  return Object.entries(encodeConfig(config))
    .map(([field, wanted]) => ({ field, wanted, found: inForce[field] ?? defaultOf(wanted) }))
    .filter(({ wanted, found }) => JSON.stringify(wanted) !== JSON.stringify(found));
}

/** The server leaves out fields that are false or 0. */
function defaultOf(wanted: unknown): unknown {
  return { boolean: false, number: 0 }[typeof wanted as string];
}
