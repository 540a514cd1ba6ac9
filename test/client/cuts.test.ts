// The client against real edges whose connections are cut after random numbers of bytes, under load, with a
// checker that knows what was published; and what else may end a connection without a gap: an expired token
// and an application that is slow. CLIENT_CUTS=10000 runs the long form, CLIENT_SEED chooses other random
// points.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EnckeStream, type Resync, type StreamEvent } from "encke-client";
import { signToken } from "../../edge/index.ts";
import { Random } from "../../graph/index.ts";
import { FLAWLESS, faultsOf, Ledger } from "../resume/checker.ts";
import { Load } from "../resume/load.ts";
import type { Received } from "../resume/received.ts";
import { real } from "../support/brokers.ts";
import { ask } from "../support/client.ts";
import { TestNetwork } from "../support/network.ts";
import { KEY } from "../support/tokens.ts";
import { waitFor } from "../support/wait-for.ts";
import { CuttingProxy } from "./cutting-proxy.ts";

const CUTS = Number(process.env.CLIENT_CUTS ?? 150);
const IS_LONG = process.env.CLIENT_CUTS !== undefined;
const SEED = Number(process.env.CLIENT_SEED ?? 1);
const READERS = IS_LONG ? 120 : 40;
const AUTHORS = 12;
const FOLLOWS = 4;
const PER_SECOND = 100;
/** Half of the cuts are early: small numbers of bytes are then as likely as large. */
const MAX_CUT_BYTES = 20_000;
/** A wait of a minute takes 1.5 s; an edge is silent after a second without a heartbeat. */
const SPEED = 40;
const HEARTBEAT_MS = 100;
const CUT_MS = 100;
/** A reader that misses more than the edge replays would be told so. */
const MAX_BACKLOG = 400;
/** What a slow application has to take; an edge replays at most 1,000 events. */
const SLOW_EVENTS = 2_500;
const SLOW_BYTES = 500;
const FORMATS = ["sse", "ndjson"] as const;

interface Member {
  readonly received: Received;
  readonly stream: EnckeStream;
}

/** Notes what a stream dispatches, as an application with listeners sees it. */
function listen(stream: EnckeStream, received: Received): Member {
  stream.addEventListener("event", ({ detail }) => {
    received.note({ kind: "event", cursor: detail.cursor, event: { data: undefined, ...detail } });
  });
  stream.addEventListener("resync", ({ detail }: CustomEvent<Resync>) => {
    received.note({ kind: "resync", cursor: undefined, hole: detail });
  });
  return { received, stream };
}

/** Publishes a last event of every author, and waits until every member has everything. */
async function settle(ledger: Ledger, load: Load, topics: readonly string[]): Promise<void> {
  await load.stop();
  for (const topic of topics) await load.request(topic);
  await waitFor("every reader to be up to date", () =>
    ledger.readers.every((reader) => ledger.isUpToDate(reader)),
  );
}

function bytesUntilCut(random: Random): number {
  if (random.below(2) === 0) return random.below(MAX_CUT_BYTES);
  return Math.floor(MAX_CUT_BYTES ** (random.below(1_000_000) / 1_000_000)) - 1;
}

/** Lets each user follow some of the authors. */
async function follow(
  { client }: TestNetwork,
  ledger: Ledger,
  random: Random,
  users: readonly string[],
  authors: readonly string[],
): Promise<void> {
  for (const user of users)
    for (let n = 0; n < FOLLOWS; n += 1) ledger.follow(user, authors[random.below(authors.length)] as string);
  for (const author of authors) {
    const followers = users.filter((user) => ledger.follows(user, author));
    if (followers.length > 0)
      assert.equal((await ask(client, `graph.subscribe.${author}`, followers)).problem, undefined);
  }
}

function assertFlawless(ledger: Ledger): number {
  const { examples, ...verdict } = ledger.check();
  assert.deepEqual(faultsOf({ ...verdict, examples }), FLAWLESS, examples.join("\n"));
  return verdict.received;
}

describe("streams that are cut", { skip: real.skip }, () => {
  it(`${CUTS} cuts at random points - lose, repeat and reorder nothing, without a resync`, async (t) => {
    const random = new Random(SEED);
    const users = Array.from({ length: READERS }, (_, n) => `user${n}`);
    const authors = Array.from({ length: AUTHORS }, (_, n) => (n % 4 === 3 ? `photo.${n}` : `author${n}`));
    const network = await TestNetwork.start({
      ...{ broker: real, fleet: ["frames", "subject"], edge: { heartbeatMs: HEARTBEAT_MS } },
    });
    const members: Member[] = [];
    let proxy: CuttingProxy | undefined;
    try {
      await network.ready();
      const ledger = new Ledger();
      await follow(network, ledger, random, users, authors);
      let isCutting = false;
      const cutAfter = (): number => (isCutting ? bytesUntilCut(random) : Number.POSITIVE_INFINITY);
      proxy = await CuttingProxy.start({ upstreams: network.edges.map(({ port }) => port), cutAfter });
      for (const [nth, user] of users.entries()) {
        const format = FORMATS[nth % FORMATS.length] ?? "sse";
        const options = { user, format, speed: SPEED };
        members.push(listen(new EnckeStream(new URL("/stream", proxy.url), options), ledger.addReader(user)));
      }
      const isOpen = ({ stream }: Member): boolean => stream.state === "open";
      await waitFor("every stream to be open", () => members.every(isOpen), 60_000);
      const isHeldBack = (): boolean =>
        ledger.readers.some((reader) => ledger.backlogOf(reader) > MAX_BACKLOG);
      const load = new Load({
        ...{ client: network.client, ledger, random, users: () => users, perSecond: PER_SECOND, isHeldBack },
      });
      isCutting = true;
      proxy.recut();
      load.start(authors);
      const { connections } = proxy;
      await waitFor(`${CUTS} cuts`, () => (proxy?.cuts ?? 0) >= CUTS, 20_000 + CUTS * CUT_MS);
      assert.ok(proxy.connections >= connections + CUTS - READERS);
      isCutting = false;
      proxy.recut();
      await settle(ledger, load, authors);
      const received = assertFlawless(ledger);
      t.diagnostic(`${proxy.cuts} cuts, ${received} events received`);
      assert.ok(received > READERS * 5);
    } finally {
      for (const { stream } of members) stream.close();
      proxy?.stop();
      await network.stop();
    }
  });

  it("tokens of two seconds - cost reconnects without a gap", async (t) => {
    const network = await TestNetwork.start({
      ...{ broker: real, fleet: ["frames", "subject"], edge: { jwtKey: KEY, heartbeatMs: HEARTBEAT_MS } },
    });
    const tokens = new Map<string, number>();
    const members: Member[] = [];
    let proxy: CuttingProxy | undefined;
    try {
      await network.ready();
      const ledger = new Ledger();
      const users = ["ann", "bob"];
      await follow(network, ledger, new Random(SEED), users, ["author"]);
      const cutAfter = (): number => Number.POSITIVE_INFINITY;
      proxy = await CuttingProxy.start({ upstreams: network.edges.map(({ port }) => port), cutAfter });
      const goodbyes: string[] = [];
      const losses: string[] = [];
      for (const [nth, user] of users.entries()) {
        const token = (): Promise<string> => {
          tokens.set(user, (tokens.get(user) ?? 0) + 1);
          return signToken(KEY, user, 2_000);
        };
        const options = { user, token, format: FORMATS[nth] ?? "sse", speed: 10 };
        const stream = new EnckeStream(new URL("/stream", proxy.url), options);
        stream.addEventListener("goodbye", ({ detail }) => goodbyes.push(detail.reason));
        stream.addEventListener("lost", ({ detail }) => losses.push(detail.code));
        members.push(listen(stream, ledger.addReader(user)));
      }
      await waitFor("every stream to be open", () => members.every(({ stream }) => stream.state === "open"));
      const load = new Load({
        ...{ client: network.client, ledger, random: new Random(SEED), users: () => users, perSecond: 50 },
      });
      load.start(["author", "author"]);
      await waitFor("two tokens to expire per user", () =>
        users.every((user) => (tokens.get(user) ?? 0) >= 3),
      );
      await settle(ledger, load, ["author"]);
      const received = assertFlawless(ledger);
      assert.deepEqual([[...new Set(goodbyes)], [...new Set(losses)]], [["expired"], ["EXPIRED"]]);
      t.diagnostic(`${goodbyes.length} tokens expired, ${received} events received`);
    } finally {
      for (const { stream } of members) stream.close();
      proxy?.stop();
      await network.stop();
    }
  });
  it("an application that is slow and crashes - misses nothing, and holds little", async () => {
    const network = await TestNetwork.start({
      ...{ broker: real, fleet: ["frames"], edge: { heartbeatMs: HEARTBEAT_MS } },
    });
    const ledger = new Ledger();
    const { client } = network;
    const load = new Load({ client, ledger, random: new Random(SEED), users: () => [], perSecond: 1 });
    const received = ledger.addReader("ann");
    let isPublished = false;
    let cursor: string | undefined;
    const options = (): object => ({ user: "ann", speed: SPEED, ...(cursor !== undefined && { cursor }) });
    const note = (event: StreamEvent): void => {
      received.note({ kind: "event", cursor: event.cursor, event: { data: undefined, ...event } });
      cursor = event.cursor;
    };
    try {
      await network.ready();
      const stream = new EnckeStream(network.url("/stream"), options());
      const losses: string[] = [];
      stream.addEventListener("lost", ({ detail }) => losses.push(detail.code));
      let read = 0;
      stream.addEventListener("event", () => {
        read += 1;
      });
      await waitFor("the stream to open", () => stream.state === "open");
      const publishing = (async () => {
        for (let n = 1; n < SLOW_EVENTS; n += 1) load.publish("ann", SLOW_BYTES);
        await load.request("ann");
        isPublished = true;
      })();
      for await (const event of stream) {
        note(event);
        // the first event takes longer than an edge may be silent, and than everything takes to be published
        const startedAt = performance.now();
        const isOver = (): boolean =>
          isPublished && read >= 1_000 && performance.now() > startedAt + 80_000 / SPEED;
        if (received.count === 1) {
          await waitFor("everything to be published", isOver);
          assert.ok(read < 1_400, `${read} events were read ahead`);
        }
        if (received.count === SLOW_EVENTS - 500) break;
      }
      await publishing;
      assert.ok(stream.cursor !== cursor, "the stream has read further than the application");
      await waitFor("the stream to be closed", () => stream.state === "closed");
      assert.deepEqual(losses, []);
      for await (const event of new EnckeStream(network.url("/stream"), options())) {
        note(event);
        if (ledger.isUpToDate(received)) break;
      }
      assert.equal(assertFlawless(ledger), SLOW_EVENTS);
    } finally {
      await network.stop();
    }
  });
});
