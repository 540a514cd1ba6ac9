// Many edge workers on one port, of which one dies under load.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultPoolKind } from "../edge/index.ts";
import { real } from "./support/brokers.ts";
import { killOneWorker } from "./support/worker-death.ts";

describe("edge workers", { skip: real.skip }, () => {
  it("one of four killed under load - its streams reopen elsewhere within 10 s, and no other stream is cut", {
    skip: defaultPoolKind() === "native" ? false : "workers on sockets of their own need the native pool",
  }, async () => {
    const death = await killOneWorker(4, 800, 500);
    assert.ok(death.heldByVictim > 100 && death.heldByVictim < 300, `${death.heldByVictim} of 800 streams`);
    assert.equal(death.cut, death.heldByVictim);
    assert.ok(death.secondsUntilBack < 10, `${death.secondsUntilBack} s`);
  });
});
