import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { parseUserId } from "../../broker/contract.ts";
import { MapUserTable } from "../pool/user-table.ts";
import { PendingJoins } from "./pending-joins.ts";
import { PresenceLog } from "./presence-log.ts";

const JOIN_MS = 40;

describe("pending joins", () => {
  let table: MapUserTable;
  let log: PresenceLog;
  let pending: PendingJoins;

  beforeEach(() => {
    table = new MapUserTable();
    log = new PresenceLog(table);
    pending = new PendingJoins(log, JOIN_MS);
  });

  /** Joins users, and announces them in a delta. */
  const join = (...users: string[]): Promise<boolean> => {
    const handles = users.map((user) => table.acquire(parseUserId(user)));
    for (const handle of handles) log.join(handle);
    log.take();
    return pending.add(handles);
  };

  it("acknowledgement - resolves the joins before it with true, in order", async () => {
    const resolved: string[] = [];
    const joins = ["ann", "bob", "carl"].map((user) => join(user).then(() => resolved.push(user)));
    log.acknowledge(2);
    pending.settle();
    await Promise.all(joins.slice(0, 2));
    assert.deepEqual(resolved, ["ann", "bob"]);
    log.acknowledge(3);
    pending.settle();
    await joins[2];
    assert.deepEqual(resolved, ["ann", "bob", "carl"]);
  });

  it("no acknowledgement - resolves with false, not before the time is over and not much later", async () => {
    const startedAt = performance.now();
    const joins = [join("ann"), join("bob", "carl")];
    assert.deepEqual(await Promise.all(joins), [false, false]);
    const ms = performance.now() - startedAt;
    assert.ok(ms >= JOIN_MS - 1 && ms < 50 * JOIN_MS, `${ms} ms`);
  });

  it("join after one that was given up - is resolved by its own acknowledgement", async () => {
    assert.equal(await join("ann"), false);
    const joined = join("bob");
    log.acknowledge(2);
    pending.settle();
    assert.equal(await joined, true);
  });
});
