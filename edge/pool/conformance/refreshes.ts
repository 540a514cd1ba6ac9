// The cursor that quiet streams are sent from time to time in place of a heartbeat. Part of the suite that
// every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { ann, type ServedPool } from "./served-pool.ts";

const REFRESH = /id: (\S+)\nevent: cursor\ndata: \{\}\n\n/g;

export function testRefreshes(served: ServedPool): void {
  describe("refresh", () => {
    const cursors = (raw: RawHttp): string[] =>
      [...bodyOf(raw).matchAll(REFRESH)].map(([, cursor]) => cursor ?? "");
    const heartbeats = (raw: RawHttp): number => bodyOf(raw).match(/^:$/gm)?.length ?? 0;
    const untilHeartbeats = (raw: RawHttp, count: number): Promise<void> =>
      waitFor(`${count} heartbeats`, () => heartbeats(raw) >= count);

    it("quiet stream - is sent the cursor once in place of a heartbeat, and its goodbye repeats it", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 100 });
      const [events, lines, plain] = [
        await served.held("ann", "sse"),
        await served.held("ann", "ndjson"),
        await served.held("ann"),
      ];
      served.pool.refresh("c1");
      await events.until("id: c1\nevent: cursor");
      await lines.until('{"cursor":"c1"}\n');
      await untilHeartbeats(events, heartbeats(events) + 3);
      await waitFor("three signs of life", () => /welcome\n\n{3}/.test(bodyOf(plain)));
      assert.deepEqual(cursors(events), ["c1"]);
      assert.match(bodyOf(lines), /^welcome\n *\{"cursor":"c1"\}\n +$/);
      assert.match(bodyOf(plain), /^welcome\n+$/);
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      await events.until(/id: c1\nretry: \d+\nevent: goodbye/);
    });

    it("stream with a newer cursor - is not sent an older one, but the next", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 100 });
      const raw = await served.held("ann", "sse");
      served.pool.refresh("c1");
      served.deliver(ann, new PositionedEvent("0-a-2", '{"id":"0-a-2"}', "c2"));
      await untilHeartbeats(raw, 3);
      assert.deepEqual(cursors(raw), []);
      served.pool.refresh("c3");
      await raw.until("id: c3\nevent: cursor");
      assert.deepEqual(cursors(raw), ["c3"]);
    });

    it("many later cursors of others - leave the cursor as it was set", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 100 });
      const raw = await served.held("ann", "sse");
      served.pool.refresh("c1");
      for (let event = 0; event < 200; event += 1)
        served.pool.deliver(4_000, new PositionedEvent(`0-b-${event}`, "{}", `d${event}`));
      await raw.until("id: c1\nevent: cursor");
    });

    it("cursor that is set again and again - is sent once per interval, with heartbeats in between", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 1_500 });
      const raw = await served.held("ann", "sse");
      let set = 0;
      await waitFor("two cursors", () => {
        set += 1;
        served.pool.refresh(`c${set}`);
        return cursors(raw).length >= 2;
      });
      assert.match(bodyOf(raw), /event: cursor\ndata: \{\}\n\n(:\n){2,}id: c\d+\nevent: cursor/);
    });

    it("interval that has not passed, or no cursor - means heartbeats only", async () => {
      await served.restart({ heartbeatMs: 100, refreshMs: 1e9 });
      const raw = await served.held("ann", "sse");
      served.pool.refresh("c1");
      served.pool.refresh("");
      await untilHeartbeats(raw, 3);
      assert.deepEqual(cursors(raw), []);
    });
  });
}

function bodyOf(raw: RawHttp): string {
  return raw.chunks.join("");
}
