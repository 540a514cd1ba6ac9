import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePosition } from "./stream-message.ts";

const TIME_NS = "1764593939123456789";
const EXPECTED = { sequence: 7, delivered: 3, timeMs: 1_764_593_939_123, waiting: 12 };

describe("positions of pushed messages", () => {
  const forms = {
    "nine tokens": `$JS.ACK.ENCKE_EVENTS.c1.1.7.3.${TIME_NS}.12`,
    "eleven tokens, with domain and account": `$JS.ACK.hub.ACC.ENCKE_EVENTS.c1.1.7.3.${TIME_NS}.12`,
    "twelve tokens": `$JS.ACK._.ACC.ENCKE_EVENTS.c1.1.7.3.${TIME_NS}.12.random`,
  };
  for (const [name, reply] of Object.entries(forms))
    it(`${name} - are parsed`, () => assert.deepEqual(parsePosition(reply), EXPECTED));

  for (const reply of [undefined, "", "_INBOX.abc"])
    it(`${reply} - is not the reply subject of a pushed message`, () =>
      assert.equal(parsePosition(reply), undefined));
});
