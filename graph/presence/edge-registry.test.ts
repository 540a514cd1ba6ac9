import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EdgeRegistry } from "./edge-registry.ts";

describe("edge registry", () => {
  it("expiry - removes a silent edge after a while and a leaving edge at once, and keeps an active one", () => {
    const gone: string[] = [];
    const edges = new EdgeRegistry(5_000);
    edges.onGone(({ id }) => gone.push(id));
    edges.add("a", "subject", 0);
    edges.add("b", "subject", 4_000);
    edges.add("c", "subject", 4_000);
    edges.remove("c");
    assert.deepEqual(edges.alive(5_000), ["a", "b"]);
    assert.deepEqual(edges.alive(5_001), ["b"]);
    assert.equal(edges.expired, 1);
    assert.deepEqual(gone, ["c", "a"]);
    assert.equal(edges.add("d", "frames", 6_000)?.slot, 0, "slots are reused");
  });

  it("more than 10,000 edges - are refused", () => {
    const edges = new EdgeRegistry(5_000);
    for (let id = 0; id < 20_000; id += 1) edges.add(`e${id}`, "subject", 0);
    assert.equal(edges.size, 10_000);
    assert.equal(edges.add("new", "subject", 1), undefined);
  });
});
