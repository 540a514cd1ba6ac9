// Finds connections whose peers no longer acknowledge anything, where the kernel cannot be asked to end them
// (Node has no option for that). In /proc/net/tcp, Linux shows how often it has retransmitted unacknowledged
// data, and how many of its probes of a peer with a full window had no reply; an acknowledgement resets both
// to 0. Owned by one pool. It keeps an entry for each connection of this machine that is silent at the
// moment; a check reads about 150 bytes per connection.

/** How often sending to a connection's peer failed, and since when. */
interface Silence {
  readonly sinceMs: number;
  readonly tries: number;
}

/** Matches an established connection: retransmissions (hexadecimal), unanswered probes, inode. */
const ROW =
  /^ *\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} 01 [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ ([0-9A-F]+) +\d+ +(\d+) (\d+)/gm;

export class Unacknowledged {
  readonly #timeoutMs: number;
  #silent = new Map<number, Silence>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Reads the current text of /proc/net/tcp and tcp6. Returns the inodes of connections that have been silent
   * for too long.
   */
  look(table: string, nowMs: number): ReadonlySet<number> {
    const silent = new Map<number, Silence>();
    const vanished = new Set<number>();
    for (const [, again = "", asked = "", socket = ""] of table.matchAll(ROW)) {
      const tries = Number.parseInt(again, 16) + Number(asked);
      if (tries === 0) continue;
      const inode = Number(socket);
      const known = this.#silent.get(inode);
      // fewer than before, so the peer has acknowledged something in between
      const sinceMs = known === undefined || known.tries > tries ? nowMs : known.sinceMs;
      silent.set(inode, { sinceMs, tries });
      if (nowMs - sinceMs >= this.#timeoutMs) vanished.add(inode);
    }
    this.#silent = silent;
    return vanished;
  }
}
