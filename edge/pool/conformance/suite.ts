// The behaviour of every connection pool behind the Node adapter, as seen from the wire: framing, closes,
// slow readers, drains. Each implementation runs this suite; its parts are in the files next to it.

import { afterEach, beforeEach, describe } from "node:test";
import { testCloses } from "./closes.ts";
import { testEndings } from "./endings.ts";
import { testPackedFrames } from "./packed-frames.ts";
import { testReceiving } from "./receiving.ts";
import { testRequests } from "./requests.ts";
import { type PoolUnderTest, ServedPool } from "./served-pool.ts";
import { testSlowReaders } from "./slow-readers.ts";

export function testPoolConformance(tested: PoolUnderTest): void {
  describe(`${tested.name} pool`, { skip: tested.skip }, () => {
    const served = new ServedPool(tested);
    beforeEach(() => served.start());
    afterEach(() => served.stop());
    testRequests(served);
    testReceiving(served);
    testPackedFrames(served);
    testCloses(served);
    testSlowReaders(served);
    testEndings(served);
  });
}
