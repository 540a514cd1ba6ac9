import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KernelMemory, slabKbIn, tcpPagesIn } from "./kernel-memory.ts";
import { takeSample } from "./memory-log.ts";

const GONE = 4_194_303; // above what a machine gives out by default

describe("memory samples", () => {
  it("processes that have ended - are left out of the sum and of the count", async () => {
    const { processes, pssKb } = await takeSample({ processes: () => [process.pid, GONE] });
    assert.equal(processes, 1);
    assert.ok(pssKb > 10_000);
  });

  it("kernel memory - TCP pages, and the slab with what can be reclaimed", () => {
    assert.equal(
      tcpPagesIn("sockets: used 12\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 242\nUDP: inuse 0 mem 9\n"),
      242,
    );
    assert.equal(slabKbIn("Cached: 5 kB\nSlab:   179704 kB\nSReclaimable:  152252 kB\n"), 179_704);
    assert.ok(Number.isFinite(new KernelMemory().readKb()));
  });
});
