// The descriptor of a socket or server of Node.

/**
 * Returns the descriptor, or -1 if there is none (TLS, other runtimes, closed). Node exposes it only in a
 * private field.
 */
export function descriptorOf(handled: object): number {
  return (handled as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
}
