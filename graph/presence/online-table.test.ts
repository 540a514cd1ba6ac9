import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../random.ts";
import { U32Map } from "../u32-map.ts";
import { OnlineTable } from "./online-table.ts";

/** Returns where a user is connected, as "slot:handle". */
function placesOf(online: OnlineTable, user: string): string[] {
  const places: string[] = [];
  for (let entry = online.firstOf(user); entry !== -1; entry = online.next(entry))
    places.push(`${online.slot(entry)}:${online.handle(entry)}`);
  return places.sort();
}

describe("u32 map", () => {
  it("50,000 random changes - leave it equal to a Map", () => {
    const random = new Random(1);
    const [map, reference] = [new U32Map(), new Map<number, number>()];
    for (let step = 0; step < 50_000; step += 1) {
      // neighbouring keys, keys at both ends of the range, and so few keys that they collide
      const key = (random.below(3_000) * (random.below(2) === 0 ? 1 : 1_431_655)) >>> 0;
      if (random.below(3) === 0) {
        map.delete(key);
        reference.delete(key);
      } else {
        map.set(key, step);
        reference.set(key, step);
      }
      if (step % 500 === 0) for (const [known, value] of reference) assert.equal(map.get(known), value);
    }
    assert.equal(map.size, reference.size);
    for (const key of [...reference.keys()]) map.delete(key);
    assert.equal(map.size, 0);
    for (let key = 0; key < 3_000; key += 1) assert.equal(map.get(key), -1);
  });
});

describe("online table", () => {
  it("a user at several edges - is found at each, by number and by name", () => {
    const online = new OnlineTable();
    for (const user of ["42", "alice"]) {
      online.add(0, user.length, user);
      online.add(3, 9 + user.length, user);
    }
    assert.deepEqual(placesOf(online, "42"), ["0:2", "3:11"]);
    assert.deepEqual(placesOf(online, "alice"), ["0:5", "3:14"]);
    assert.equal(online.slot(online.first(42)), 3);
    online.remove(0, 2);
    assert.deepEqual(placesOf(online, "42"), ["3:11"]);
    online.removeEdge(3);
    assert.deepEqual([placesOf(online, "42"), placesOf(online, "alice")], [[], ["0:5"]]);
    online.removeEdge(0);
    assert.equal(online.size, 0);
  });

  it("a handle that is reused - refers to its new user only", () => {
    const online = new OnlineTable();
    online.add(1, 5, "7");
    online.add(1, 5, "8");
    assert.deepEqual([placesOf(online, "7"), placesOf(online, "8")], [[], ["1:5"]]);
    online.remove(1, 6);
    online.remove(2, 5);
    assert.equal(online.size, 1);
  });

  it("20,000 random joins and leaves - leave no entry behind and mix none up", () => {
    const random = new Random(7);
    const online = new OnlineTable();
    const reference = new Map<string, string>();
    for (let step = 0; step < 20_000; step += 1) {
      const [slot, handle] = [random.below(4), random.below(300)];
      const user = random.below(4) === 0 ? `u${random.below(50)}` : String(random.below(200));
      if (random.below(3) === 0) {
        online.remove(slot, handle);
        reference.delete(`${slot}:${handle}`);
      } else {
        online.add(slot, handle, user);
        reference.set(`${slot}:${handle}`, user);
      }
    }
    assert.equal(online.size, reference.size);
    for (const user of new Set(reference.values())) {
      const expected = [...reference].filter(([, name]) => name === user).map(([place]) => place);
      assert.deepEqual(placesOf(online, user), expected.sort());
    }
    for (let slot = 0; slot < 4; slot += 1) online.removeEdge(slot);
    assert.equal(online.size, 0);
    for (const user of reference.values()) assert.equal(online.firstOf(user), -1);
  });
});
