// How many processes and addresses so many connections on one machine take. What a process may hold is the descriptor
// limit; what an address may open is the span of ephemeral ports.

/** An edge worker keeps a part of its descriptors for itself, and connections spread unevenly over workers. */
const EDGE_SHARE = 0.92;
/** What a flood process needs beside its streams. */
const FLOOD_OWN = 200;
/** Streams that an address opens: ports are found quickly while some are free. */
const ADDRESS_SHARE = 0.88;
const MOST_AN_ADDRESS = 25_000;
/** Of 127.0.0.0/8, so that nothing else on the machine has them. */
const FIRST_THIRD_BYTE = 1;

export interface Layout {
  readonly edgeWorkers: number;
  readonly floodProcesses: number;
  /** Addresses to connect from. */
  readonly sources: readonly string[];
}

/** @param limit descriptors a process; @param ports ephemeral ports an address */
export function layoutFor(connections: number, limit: number, ports: number): Layout {
  const anAddress = Math.max(1, Math.min(MOST_AN_ADDRESS, Math.floor(ports * ADDRESS_SHARE)));
  const addresses = Math.ceil(connections / anAddress);
  return {
    edgeWorkers: Math.max(1, Math.ceil(connections / Math.max(1, Math.floor(limit * EDGE_SHARE)))),
    floodProcesses: Math.max(1, Math.ceil(connections / Math.max(1, limit - FLOOD_OWN))),
    sources: Array.from({ length: addresses }, (_, index) => {
      const host = index % 254;
      return `127.0.${FIRST_THIRD_BYTE + (index - host) / 254}.${1 + host}`;
    }),
  };
}
