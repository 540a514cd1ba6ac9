// Finds connections whose peers no longer acknowledge anything, where the kernel cannot be asked to end them (Node has no
// option for it). /proc/net/tcp shows how often Linux has retransmitted what a peer has not acknowledged, and how many of
// its probes of a full peer had no reply; an acknowledgement resets both to 0. Owned by one pool. It keeps an entry for
// each connection of this machine that is silent at the moment; a look reads about 150 bytes per connection.

/** How often a connection's peer was tried in vain, and since when. */
interface Silence {
  readonly sinceMs: number;
  readonly tries: number;
}

/** An established connection: retransmissions (hexadecimal), unanswered probes, inode. */
const ROW =
  /^ *\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} 01 [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ ([0-9A-F]+) +\d+ +(\d+) (\d+)/gm;

export class Unacknowledged {
  readonly #timeoutMs: number;
  #silent = new Map<number, Silence>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Reads the present text of /proc/net/tcp and tcp6. Returns the inodes of connections that have been silent too long. */
  look(table: string, nowMs: number): ReadonlySet<number> {
    const silent = new Map<number, Silence>();
    const vanished = new Set<number>();
    for (const [, again = "", asked = "", socket = ""] of table.matchAll(ROW)) {
      const tries = Number.parseInt(again, 16) + Number(asked);
      if (tries === 0) continue;
      const inode = Number(socket);
      const known = this.#silent.get(inode);
      // fewer than before: it has acknowledged something in between
      const sinceMs = known === undefined || known.tries > tries ? nowMs : known.sinceMs;
      silent.set(inode, { sinceMs, tries });
      if (nowMs - sinceMs >= this.#timeoutMs) vanished.add(inode);
    }
    this.#silent = silent;
    return vanished;
  }
}
