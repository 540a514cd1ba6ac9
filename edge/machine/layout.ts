// How many processes and addresses a number of connections on one machine needs. The descriptor limit bounds
// the connections per process, and the range of ephemeral ports those per address.

/** An edge worker reserves some of its descriptors, and connections spread unevenly over workers. */
const EDGE_SHARE = 0.92;
/** Descriptors that a flood process needs in addition to its streams. */
const FLOOD_OWN = 200;
/**
 * Fraction of its ports that an address uses. Linux first tries every second port. When those are in use
 * towards one server, each further connect() tries all of them in vain, which was measured to take 1 ms
 * instead of 0.05 ms.
 */
const ADDRESS_SHARE = 0.42;
/** The addresses are 127.0.1.1, 127.0.1.2 and so on, which nothing else on the machine uses. */
const FIRST_THIRD_BYTE = 1;
const HOSTS = 254;

export interface Layout {
  readonly edgeWorkers: number;
  readonly floodProcesses: number;
  /** Addresses to connect from. */
  readonly sources: readonly string[];
}

/** @param limit descriptors per process; @param ports ephemeral ports per address */
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
