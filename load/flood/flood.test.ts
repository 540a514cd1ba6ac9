import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { ScriptedServer } from "../../test/support/scripted-server.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Flood, type FloodPlan } from "./flood.ts";
import { isNativeBuilt } from "./native-readers.ts";

const OPEN = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
const FULL = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

for (const native of isNativeBuilt ? [true, false] : [false]) {
  describe(`flood, ${native ? "native" : "plain"}`, () => {
    let server: ScriptedServer | undefined;
    let flood: Flood | undefined;
    afterEach(() => {
      flood?.close();
      server?.stop();
    });

    function start(base: string, count: number, more: Partial<FloodPlan> = {}): Flood {
      const targets = { kind: "counted", base, firstId: 0, step: 1, count } as const;
      const plan = { targets, rate: 0, opening: 0, sources: [], firstSource: 0, sourceStep: 1 };
      flood = new Flood({ ...plan, reopen: false, run: "", headers: "", ...more }, native);
      return flood;
    }

    it("without reopen - counts streams that the server ends as closed, and refused ones as failed with their reason", async () => {
      server = await ScriptedServer.start((socket, id) => {
        if (id === 0) socket.end(OPEN);
        else socket.write(id === 1 ? FULL : OPEN);
      });
      const started = start(`http://127.0.0.1:${server.port}/test/`, 3);
      await started.open();
      await waitFor(
        "two to end and one to be open",
        () => started.counts.closed === 2 && started.counts.active === 1,
      );
      const { active, closed, failed, retried, reopened } = started.counts;
      assert.deepEqual([active, closed, failed, retried, reopened], [1, 2, 1, 0, 0]);
      assert.deepEqual([...started.problems].sort(), [
        "/test/…: status 503",
        "/test/…: the connection was cut",
      ]);
    });

    it("with reopen - opens again after the Retry-After of a refusal, and after a loss", async () => {
      const requestedAt: number[] = [];
      server = await ScriptedServer.start((socket, _id, nth) => {
        requestedAt.push(performance.now());
        if (nth === 1) socket.write(FULL);
        else if (nth === 2) socket.end(OPEN);
        else socket.write(OPEN);
      });
      const started = start(`http://127.0.0.1:${server.port}/test/`, 1, { reopen: true });
      await started.open();
      await waitFor("it to be open for good", () => started.counts.reopened === 1);
      const { active, closed, failed, retried } = started.counts;
      assert.deepEqual([active, closed, failed, retried], [1, 1, 0, 1]);
      assert.ok((requestedAt[1] ?? 0) - (requestedAt[0] ?? 0) >= 1_000, "Retry-After was not respected");
    });

    it("opening - limits the streams that are being opened at the same time", async () => {
      let waiting = 0;
      let most = 0;
      server = await ScriptedServer.start((socket) => {
        waiting += 1;
        most = Math.max(most, waiting);
        setImmediate(() => {
          waiting -= 1;
          socket.write(OPEN);
        });
      });
      const started = start(`http://127.0.0.1:${server.port}/test/`, 100, { opening: 5 });
      await started.open();
      await waitFor("all to be open", () => started.counts.active === 100);
      assert.ok(most <= 5, `${most} at once`);
    });

    it("list of URLs - reaches several servers, each with its own paths", async () => {
      const second = await ScriptedServer.start((socket) => socket.write(OPEN));
      server = await ScriptedServer.start((socket) => socket.write(OPEN));
      const urls = [`http://127.0.0.1:${server.port}/a/1`, `http://localhost:${second.port}/b?c=2`];
      const started = start("", 0, { targets: { kind: "listed", urls } });
      await started.open();
      await waitFor("both to be open", () => started.counts.active === 2);
      assert.match(server.requests[0] ?? "", /^GET \/a\/1 HTTP/);
      assert.match(second.requests[0] ?? "", /^GET \/b\?c=2 HTTP\/1\.1\r\nHost: localhost:/);
      second.stop();
    });
  });
}
