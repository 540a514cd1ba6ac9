import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId, type UserId } from "../../broker/contract.ts";
import { hasPoolAddon } from "./native/addon.ts";
import { NativePool } from "./native/native-pool.ts";
import { DEFAULT_LIMITS } from "./pool.ts";
import { MapUserTable, type UserTable } from "./user-table.ts";

const TABLES: readonly { name: string; skip: string | false; create: () => UserTable }[] = [
  { name: "map", skip: false, create: () => new MapUserTable() },
  {
    name: "native",
    skip: hasPoolAddon() ? false : "the addon was not built here",
    create: () => new NativePool(DEFAULT_LIMITS).table,
  },
];

for (const { name, skip, create } of TABLES) {
  describe(`user table, ${name}`, { skip }, () => {
    it("user - has one handle until it is released, and the handle has its name", () => {
      const table = create();
      const [ann, long] = [parseUserId("ann"), parseUserId("x".repeat(64))];
      assert.equal(table.find(ann), -1);
      assert.equal(table.acquire(ann), 0);
      assert.equal(table.acquire(ann), 0);
      assert.equal(table.acquire(long), 1);
      assert.equal(table.nameOf(1), long);
      assert.deepEqual([table.size, table.capacity], [2, 2]);
      table.release(0);
      table.release(0);
      table.release(7);
      table.release(-1);
      assert.equal(table.find(ann), -1);
      assert.equal(table.nameOf(0), undefined);
      assert.deepEqual([table.size, table.capacity], [1, 2]);
    });

    it("handles - are dense, and the last released one is reused first", () => {
      const table = create();
      const users = Array.from({ length: 10 }, (_, index) => parseUserId(`u${index}`));
      assert.deepEqual(
        users.map((user) => table.acquire(user)),
        [...users.keys()],
      );
      table.release(3);
      table.release(8);
      assert.equal(table.acquire(parseUserId("new")), 8);
      assert.equal(table.acquire(parseUserId("newer")), 3);
      assert.equal(table.acquire(parseUserId("newest")), 10);
      assert.equal(table.capacity, 11);
    });

    it("50,000 changes - match a Map", () => {
      const table = create();
      const expected = new Map<UserId, number>();
      let random = 1;
      for (let step = 0; step < 50_000; step += 1) {
        random = (random * 48_271) % 2_147_483_647;
        const user = parseUserId(
          `${random % 3 === 0 ? "a-rather-long-name-of-a-user-" : ""}${random % 5_000}`,
        );
        const known = expected.get(user);
        assert.equal(table.find(user), known ?? -1);
        if (known === undefined) expected.set(user, table.acquire(user));
        else if (random % 7 < 4) {
          table.release(known);
          expected.delete(user);
        } else assert.equal(table.nameOf(known), user);
      }
      assert.equal(table.size, expected.size);
      assert.equal(new Set(expected.values()).size, expected.size);
      for (const [user, handle] of expected) assert.equal(table.nameOf(handle), user);
    });
  });
}
