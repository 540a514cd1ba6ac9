// The descriptor under a socket or server of Node's.

/** -1 where there is none (TLS, other runtimes, closed). A private field: Node tells descriptors in no other way. */
export function descriptorOf(handled: object): number {
  return (handled as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}
