// encke msggen: publishes fake events from random users, a given number at a given interval. With --verify it
// opens streams of its own, asks the graph which events each must receive, and checks that all arrive once
// and in order.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { eventSubject, parseUserId, type UserId, userSubject } from "../../broker/contract.ts";
import {
  type BrokerClient,
  chooseNats,
  natsSettings,
  type Published,
  withClient,
} from "../../broker/index.ts";
import { listPages } from "../../graph/index.ts";
import { type Command, type Context, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { codeOf, quote } from "../../lib/errors.ts";
import type { ValuesOf } from "../../lib/settings.ts";
import { nowUs } from "../flood/latency.ts";
import { type Numbered, Verifier } from "../flood/verifier.ts";
import { interval, max, messages, senders, streams, to, url, verify } from "../settings.ts";

/** Messages per sender between two checks that the server keeps up. */
const FLUSH_EVERY = 100;
/** Readers that are opened at the same time. */
const OPEN_AT_ONCE = 50;
const GRAPH_ANSWER_MS = 10_000;
const RETRY_MS = 50;
/** A message that has not arrived after this time without any arrival is lost. */
const SETTLE_MS = 5_000;

const settings = { messages, interval, max, senders, to, verify, streams, url, ...natsSettings };
type MsggenValues = ValuesOf<typeof settings>;

export const msggen: Command = defineCommand({
  name: "msggen",
  summary: "publish fake events, and with --verify check that all arrive once and in order",
  settings,
  async run(context, values) {
    const interval = parseInterval(values.interval);
    await withClient(chooseNats(context, values).config, context.log, async (client) => {
      const run = randomBytes(6).toString("hex");
      const verifier = new Verifier(run);
      if (values.verify) await openReaders(context, verifier, client, values);
      const startedAt = performance.now();
      const sent = await sendAll(context, client, run, verifier, values, interval);
      const seconds = (performance.now() - startedAt) / 1000;
      if (values.verify) await settle(verifier, context.signal);
      const figures = {
        messages: sent,
        seconds: Number(seconds.toFixed(3)),
        perSecond: Math.round(sent / seconds),
      };
      if (!values.verify) return context.print(JSON.stringify(figures));
      const verdict = verifier.close();
      context.print(JSON.stringify({ ...figures, ...verdict }));
      const { lost, duplicated, reordered, closed } = verdict;
      if (lost + duplicated + reordered + closed > 0) {
        throw new CommandError(
          "CHECK_FAILED",
          `${lost} lost, ${duplicated} duplicated, ${reordered} out of order, ${closed} streams closed`,
        );
      }
    });
  },
});

/** Parses `10` or `5-50` milliseconds. */
function parseInterval(given: string): { min: number; max: number } {
  const match = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(given);
  const min = Number(match?.[1]);
  const max = Number(match?.[2] ?? match?.[1]);
  if (match !== null && min <= max) return { min, max };
  throw new CommandError("USAGE", `--interval ${quote(given)}: expected milliseconds, 100 or 50-150`);
}

async function openReaders(
  { progress: createProgress }: Context,
  verifier: Verifier,
  client: BrokerClient,
  values: MsggenValues,
): Promise<void> {
  const { streams, max, to, url } = values;
  if (!URL.canParse(url)) throw new CommandError("USAGE", `--url ${quote(url)} is not an address`);
  const users = spread(Math.min(streams, max), max);
  const progress = createProgress("opening", "streams", users.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let user = users[next]; user !== undefined; user = users[next]) {
      next += 1;
      const authors = new Set<string>([user]);
      if (to === "event") {
        for await (const page of listPages(client, { verb: "subscriptions", name: user }, GRAPH_ANSWER_MS))
          for (const author of page) authors.add(author);
      }
      await verifier.openReader(new URL(url), user, authors);
      progress.update(next);
    }
  };
  try {
    await Promise.all(Array.from({ length: OPEN_AT_ONCE }, worker));
  } finally {
    progress.stop();
  }
}

/** Returns `count` users, spread evenly over 1 … max. */
function spread(count: number, max: number): UserId[] {
  return Array.from({ length: count }, (_, index) =>
    parseUserId(String(1 + Math.floor((index * max) / count))),
  );
}

async function sendAll(
  { signal, progress: createProgress }: Context,
  client: BrokerClient,
  run: string,
  verifier: Verifier,
  { messages, max, senders, to }: MsggenValues,
  interval: { min: number; max: number },
): Promise<number> {
  const progress = createProgress("sending", "messages", messages);
  let sent = 0;
  const sender = async (): Promise<void> => {
    for (let mine = 1; sent < messages && !signal.aborted; mine += 1) {
      sent += 1;
      const from = parseUserId(String(1 + Math.floor(Math.random() * max)));
      const subject = to === "event" ? eventSubject(from) : userSubject(from);
      const seq = verifier.numberOf(from);
      const publish = (): Published =>
        client.publish(subject, JSON.stringify({ run, from, seq, sentUs: nowUs() } satisfies Numbered));
      // NATS is unreachable, and the client reconnects
      while (publish() === "away" && !signal.aborted) await delay(RETRY_MS);
      progress.update(sent);
      const pause = interval.min + Math.random() * (interval.max - interval.min);
      if (pause > 0) await delay(pause);
      else if (mine % FLUSH_EVERY === 0) await keepUp(client);
    }
  };
  try {
    await Promise.all(Array.from({ length: senders }, sender));
    await keepUp(client);
  } finally {
    progress.stop();
  }
  return sent;
}

/** Waits until the server has received everything, unless it is unreachable. */
async function keepUp(client: BrokerClient): Promise<void> {
  await client.flush().catch((error: unknown) => {
    if (codeOf(error) !== "NATS_DISCONNECTED") throw error; // readers learn of the loss
  });
}

/** Waits until everything has arrived, or nothing new has for a while. */
async function settle(verifier: Verifier, signal: AbortSignal): Promise<void> {
  let received = -1;
  let quietSince = performance.now();
  while (!verifier.complete && performance.now() - quietSince < SETTLE_MS && !signal.aborted) {
    if (verifier.received !== received) {
      received = verifier.received;
      quietSince = performance.now();
    }
    await delay(50);
  }
  await delay(200); // gives duplicates time to arrive
}
