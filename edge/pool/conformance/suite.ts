// The behaviour of every connection pool behind the Node adapter, as seen from the wire: framing, closes,
// slow readers, drains. Each implementation runs this suite; its parts are in the files next to it. The pool
// over web streams, whose responses the runtime writes, runs the parts that do not depend on that.

import { afterEach, beforeEach, describe } from "node:test";
import { testCloses } from "./closes.ts";
import { testCorkEndings } from "./cork-endings.ts";
import { testCorks } from "./corks.ts";
import { testEndings } from "./endings.ts";
import { testPackedFrames } from "./packed-frames.ts";
import { testReceiving } from "./receiving.ts";
import { testRefreshes } from "./refreshes.ts";
import { testRequests } from "./requests.ts";
import { type PoolUnderTest, ServedPool } from "./served-pool.ts";
import { testSlowReaders } from "./slow-readers.ts";
import { testStamps } from "./stamps.ts";

type Part = (served: ServedPool) => void;

const OF_EVERY_POOL: readonly Part[] = [testCorks, testCorkEndings, testRefreshes, testStamps];
const OF_NODE: readonly Part[] = [
  ...[testRequests, testReceiving, testPackedFrames, testCloses, testSlowReaders, testEndings],
  ...OF_EVERY_POOL,
];

export function testPoolConformance(tested: PoolUnderTest): void {
  testParts(tested, OF_NODE);
}

export function testWebPoolConformance(tested: PoolUnderTest): void {
  testParts(tested, OF_EVERY_POOL);
}

function testParts(tested: PoolUnderTest, parts: readonly Part[]): void {
  describe(`${tested.name} pool`, { skip: tested.skip }, () => {
    const served = new ServedPool(tested);
    beforeEach(() => served.start());
    afterEach(() => served.stop());
    for (const testPart of parts) testPart(served);
  });
}
