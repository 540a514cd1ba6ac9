// The same graph in lmdb, built from the list of pairs by code that shares nothing with our loader and store,
// so that their results can be compared. Friendships are mutual. Building takes 16 bytes per follow.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { open, type RootDatabase } from "lmdb";

const PUTS_A_TRANSACTION = 20_000;

export class LmdbGraph {
  readonly #db: RootDatabase<Buffer, number>;
  readonly users: number;

  private constructor(db: RootDatabase<Buffer, number>, users: number) {
    this.#db = db;
    this.users = users;
  }

  /**
   * Loads a list of pairs.
   * @param file `A B` per line, ids from 1
   */
  static async load(file: string, folder: string): Promise<LmdbGraph> {
    const ends: number[][] = [[], []];
    const counts: number[] = [];
    for await (const line of createInterface({ input: createReadStream(file) })) {
      for (const [side, id] of line.split(" ").map(Number).entries()) {
        ends[side]?.push(id);
        counts[id] = (counts[id] ?? 0) + 1;
      }
    }
    const [left = [], right = []] = ends;
    const rows = Array.from(counts, (count) => new Uint32Array(count ?? 0));
    const filled = new Uint32Array(rows.length);
    const put = (of: number, friend: number): void => {
      (rows[of] as Uint32Array)[filled[of] as number] = friend;
      filled[of] = (filled[of] as number) + 1;
    };
    for (const [edge, a] of left.entries()) {
      const b = right[edge] as number;
      put(a, b);
      put(b, a);
    }
    const db = open<Buffer, number>({ path: folder, encoding: "binary", keyEncoding: "uint32" });
    for (let from = 0; from < rows.length; from += PUTS_A_TRANSACTION) {
      db.transactionSync(() => {
        for (let user = from; user < Math.min(from + PUTS_A_TRANSACTION, rows.length); user += 1) {
          const friends = Uint32Array.from(new Set((rows[user] as Uint32Array).sort()));
          if (friends.length > 0) db.putSync(user, Buffer.from(friends.buffer));
        }
      });
    }
    return new LmdbGraph(db, rows.length - 1);
  }

  /** Returns the friends in ascending order; empty if the user is not in the list. */
  friends(user: number): Uint32Array {
    const bytes = this.#db.get(user);
    return bytes === undefined ? new Uint32Array(0) : new Uint32Array(Uint8Array.from(bytes).buffer);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}
