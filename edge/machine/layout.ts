// How many processes and addresses so many connections on one machine take. What a process may hold is the descriptor
// limit; what an address may open is the span of ephemeral ports.

/** An edge worker keeps a part of its descriptors for itself, and connections spread unevenly over workers. */
const EDGE_SHARE = 0.92;
/** What a flood process needs beside its streams. */
const FLOOD_OWN = 200;
/**
 * Part of its ports that an address uses. Linux looks for a free port among every second one first; when those are used
 * up towards one server, each further connect() passes all of them in vain: measured, 1 ms instead of 0.05 ms.
 */
const ADDRESS_SHARE = 0.42;
/** The addresses are 127.0.1.1, 127.0.1.2 and so on: nothing else on the machine has them. */
const FIRST_THIRD_BYTE = 1;
const HOSTS = 254;

export interface Layout {
  readonly edgeWorkers: number;
  readonly floodProcesses: number;
  /** Addresses to connect from. */
  readonly sources: readonly string[];
}

/** @param limit descriptors a process; @param ports ephemeral ports an address */
export function layoutFor(connections: number, limit: number, ports: number): Layout {
  const anAddress = Math.max(1, Math.floor(ports * ADDRESS_SHARE));
  const addresses = Math.ceil(connections / anAddress);
  return {
    edgeWorkers: Math.max(1, Math.ceil(connections / Math.max(1, Math.floor(limit * EDGE_SHARE)))),
    floodProcesses: Math.max(1, Math.ceil(connections / Math.max(1, limit - FLOOD_OWN))),
    sources: Array.from({ length: addresses }, (_, index) => {
      const host = index % HOSTS;
      return `127.0.${FIRST_THIRD_BYTE + (index - host) / HOSTS}.${1 + host}`;
    }),
  };
}
