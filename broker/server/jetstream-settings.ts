// The block of nats-server's configuration that enables JetStream, as events need it.

import { isAtLeast } from "./nats-server-version.ts";

/** Earlier servers have no such bounds, and refuse a configuration with fields that they do not know. */
const BOUNDED_FROM = [2, 11] as const;
/** With the server's own bounds, 12 to 38 % of a burst of 300,000 messages were dropped (2.15.3). */
const MAX_BUFFERED = `  # Messages that wait to be stored. With nats-server's own limits, a burst of events is partly dropped.
  max_buffered_msgs: 1000000
  max_buffered_size: 1GB
`;

/**
 * Returns the `jetstream` block for a server.
 * @param folder where the server stores streams
 * @param version of the server, such as `2.15.3`; undefined for a current one
 */
export function jetStreamSettings(folder: string, version?: string): string {
  const bounds = version === undefined || isAtLeast(version, BOUNDED_FROM) ? MAX_BUFFERED : "";
  return `jetstream {
  store_dir: ${JSON.stringify(folder)}
${bounds}}
`;
}
