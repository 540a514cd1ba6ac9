// Tokens that expire later than any clock can show, in each pool that holds streams on Node.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SignJWT } from "jose";
import { embedded } from "../../test/support/brokers.ts";
import { TestNetwork } from "../../test/support/network.ts";
import { bearer, KEY } from "../../test/support/tokens.ts";
import { hasPoolAddon } from "../pool/native/addon.ts";

for (const pool of ["native", "plain"] as const) {
  const skip = pool === "plain" || hasPoolAddon() ? false : "the addon was not built here";
  describe(`expiry of a token, ${pool} pool`, { skip }, () => {
    let network: TestNetwork;
    before(async () => {
      const edge = { jwtKey: KEY, pool, heartbeatMs: 400 };
      network = await TestNetwork.start({ broker: embedded, edge });
    });
    after(() => network.stop());

    for (const exp of [2 ** 63 - 1, 1e17, 1e308, 8_640_000_000_000.5]) {
      it(`${exp} s after 1970 - does not end its stream`, async () => {
        const key = new TextEncoder().encode(KEY);
        const token = await new SignJWT({ sub: "7", exp }).setProtectedHeader({ alg: "HS256" }).sign(key);
        const reader = await network.read("/stream", bearer(token));
        await reader.until(/\n {2}/); // two heartbeats later
        assert.equal(reader.ended, undefined);
      });
    }
  });
}
