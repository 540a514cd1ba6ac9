// One author with 200,000 followers among other authors: an event of another author does not wait until the
// celebrity's event has reached every follower. A real graph service and a real nats-server; the test plays
// the only edge, at which every user is connected.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COPY_PREFIX, edgeSubject, presenceSubject } from "../broker/contract.ts";
import { BEAT_MS, parseOrder } from "../broker/index.ts";
import { GraphService, loadFollows } from "../graph/index.ts";
import { createLogger } from "../lib/log.ts";
import { createMetrics } from "../lib/metrics.ts";
import { real, urlOf } from "./support/brokers.ts";
import { connectClient } from "./support/client.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const FOLLOWERS = 200_000;
const CELEBRITY = 1_000_000;
const OTHER = 1_000_001;
const EDGE = "played";
const log = createLogger("test", "silent");

describe("a celebrity", { skip: real.skip }, () => {
  it("200,000 followers - receive all events in order, while other authors' events overtake them, also in order", async () => {
    const directory = tempDir();
    const newcomers = [
      { id: CELEBRITY, friends: Uint32Array.from({ length: FOLLOWERS }, (_, index) => index) },
      { id: OTHER, friends: Uint32Array.of(FOLLOWERS) }, // follows no other author
    ];
    await loadFollows({ name: "a celebrity", newcomers }, { directory, kind: "subscriptions" });
    const broker = await real.start();
    const nats = { url: urlOf(broker) };
    const graph = new GraphService({ directory, nats, log, metrics: createMetrics() });
    await graph.start();
    const client = await connectClient(nats);

    /** Number of the celebrity's events that each follower has received. */
    const had = new Uint8Array(FOLLOWERS);
    let copies = 0;
    let outOfOrder = 0;
    const others: number[] = [];
    const latenciesMs: number[] = [];
    let sentAt = 0;
    const publishOther = (): void => {
      sentAt = performance.now();
      client.publish(`event.${OTHER}`, JSON.stringify({ n: others.length }));
    };
    client.subscribe(`${COPY_PREFIX}*`, ({ subject, data }) => {
      const user = Number(subject.slice(COPY_PREFIX.length));
      if (user === OTHER || user === CELEBRITY) return;
      const { n } = (JSON.parse(new TextDecoder().decode(data)) as { data: { n: number } }).data;
      if (user === FOLLOWERS) {
        latenciesMs.push(performance.now() - sentAt);
        others.push(n);
        if (copies < 2 * FOLLOWERS) publishOther();
        return;
      }
      if (had[user] !== n) outOfOrder += 1;
      had[user] = n + 1;
      copies += 1;
    });
    client.subscribe(edgeSubject(EDGE), (message) => {
      if (parseOrder(message.data).type === "mark") client.respond(message);
    });
    const beat = (): void => {
      const said = {
        type: "delta",
        mode: "subject",
        epoch: 1,
        sequence: 1,
        leaves: [],
        joins: [],
        complete: true,
      };
      client.publish(presenceSubject(EDGE), JSON.stringify(said));
    };
    const beating = setInterval(beat, BEAT_MS);
    try {
      beat();
      await client.flush();
      const startedAt = performance.now();
      for (let n = 0; n < 2; n += 1) client.publish(`event.${CELEBRITY}`, JSON.stringify({ n }));
      publishOther();
      await waitFor("every copy", () => copies === 2 * FOLLOWERS, 60_000);
      const wholeMs = performance.now() - startedAt;
      assert.equal(outOfOrder, 0);
      assert.deepEqual([...new Set(had)], [2]);
      assert.deepEqual(
        others,
        others.map((_, index) => index),
      );
      latenciesMs.sort((a, b) => a - b);
      const [median = 0, longest = 0] = [latenciesMs[latenciesMs.length >> 1], latenciesMs.at(-1)];
      const seen = `${others.length} others in ${Math.round(wholeMs)} ms, median ${median.toFixed(1)}, longest ${longest.toFixed(1)}`;
      assert.ok(others.length >= 20, seen);
      assert.ok(median < wholeMs / 30 && longest < wholeMs / 6, seen);
    } finally {
      clearInterval(beating);
      await client.close();
      await graph.stop();
      await broker.stop();
    }
  });
});
