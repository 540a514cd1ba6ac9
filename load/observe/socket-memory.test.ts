import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SocketMemory, slabKbIn, tcpPagesIn } from "./socket-memory.ts";

describe("socket memory", () => {
  it("kernel memory - is the TCP pages and the slab, including what is reclaimable", () => {
    assert.equal(
      tcpPagesIn("sockets: used 12\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 242\nUDP: inuse 0 mem 9\n"),
      242,
    );
    assert.equal(slabKbIn("Cached: 5 kB\nSlab:   179704 kB\nSReclaimable:  152252 kB\n"), 179_704);
    assert.ok(Number.isFinite(new SocketMemory().readKb()));
  });
});
