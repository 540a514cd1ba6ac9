// Before a service takes events it makes sure that nobody else has them and that it will: no other service answers for
// one of its partitions, and the broker sends the subjects of its partitions to it. Both would otherwise be silent: events
// twice, or none.

import { setTimeout as delay } from "node:timers/promises";
import { graphEndpoint, graphSubject, parseTopic, type Topic } from "../broker/contract.ts";
import { BrokerClient, type ConnectOptions, type NatsConfig, replyError, replyOf } from "../broker/index.ts";
import { codeOf } from "../lib/errors.ts";
import { SERVICE_NAME } from "./endpoints.ts";
import { GraphError } from "./errors.ts";
import { Partitions } from "./partitions.ts";

/** How long to wait for other graph services to say that they are there. */
const OTHER_SERVICES_MS = 500;
/** How long a subscription may take to be known on every server of a cluster. */
const KNOWN_WITHIN_MS = 2_000;
const ASK_AGAIN_MS = 50;
const ANSWER_MS = 1_000;
const NO_RESPONDERS = 503;

/** @throws GraphError GRAPH_SERVED_ALREADY */
export async function refuseSecondOwner(client: BrokerClient, partitions: Partitions): Promise<void> {
  for (const { id, metadata } of await askServices(client)) {
    const theirs = Partitions.parse(metadata?.partitions ?? String(Partitions.whole));
    if (theirs.of !== partitions.of) {
      throw new GraphError(
        "GRAPH_SERVED_ALREADY",
        `graph service ${id} answers on this NATS for ${theirs}, which does not go with ${partitions}: every service must count the same partitions`,
      );
    }
    const shared = partitions.owned.find((partition) => theirs.has(partition));
    if (shared === undefined) continue;
    const what = partitions.of === 1 ? "" : ` for partition ${shared} of ${partitions.of}`;
    throw new GraphError(
      "GRAPH_SERVED_ALREADY",
      `graph service ${id} answers on this NATS${what} already: stop it first, events would arrive twice`,
    );
  }
}

/**
 * Asks over another connection for a topic of each owned partition, until that arrives at `owner`. Nobody hears of it: the
 * service does not serve yet, and whoever asks in the meantime is told so.
 * @throws GraphError GRAPH_UNMAPPED where the broker takes those subjects elsewhere
 */
export async function proveMappings(
  owner: BrokerClient,
  nats: NatsConfig,
  options: Omit<ConnectOptions, "name">,
  partitions: Partitions,
): Promise<void> {
  const starting = new GraphError("GRAPH_STARTING", "the graph is starting: ask again in a moment");
  const ours = owner.newInbox(); // a word that nobody else answers with
  const answers = partitions.subjects.map((partition) =>
    owner.subscribe(graphEndpoint("count", partition), (message) => {
      replyError(owner, replyOf(message), starting, { payload: ours });
    }),
  );
  const asker = await BrokerClient.connect(nats, { ...options, name: `${SERVICE_NAME} probe` });
  try {
    await owner.flush();
    await Promise.all(partitions.owned.map((partition) => prove(owner, asker, partition, partitions, ours)));
  } finally {
    for (const answer of answers) answer.unsubscribe();
    await asker.close();
  }
}

async function prove(
  owner: BrokerClient,
  client: BrokerClient,
  partition: number,
  partitions: Partitions,
  ours: string,
): Promise<void> {
  const topic = topicIn(partition, partitions);
  const deadline = performance.now() + KNOWN_WITHIN_MS;
  for (;;) {
    try {
      const reply = await client.request(graphSubject("count", topic), "", ANSWER_MS);
      if (reply.string() === ours) return;
      throw unmapped(partitions); // somebody else has it
    } catch (error) {
      const code = codeOf(error);
      if (code === "REQUEST_TIMEOUT") return; // not allowed to ask: nothing is proven either way
      if (code !== "NO_RESPONDERS" && code !== "ONLY_STREAM_REPLIED") throw error;
      if (owner.refused.length > 0) return; // nor may we hear: `notReady` says so
      if (performance.now() > deadline) throw unmapped(partitions, error);
    }
    await delay(ASK_AGAIN_MS);
  }
}

function topicIn(partition: number, partitions: Partitions): Topic {
  for (let name = 0; ; name += 1) {
    const topic = parseTopic(`probe-${name}`);
    if (partitions.partitionOf(topic) === partition) return topic;
  }
}

function unmapped(partitions: Partitions, cause?: unknown): GraphError {
  const remedy =
    partitions.of === 1
      ? "it splits the topics: serve them with --partitions, as its configuration counts them"
      : `give every server the mappings of \`encke broker --print-config --partitions ${partitions.of}\``;
  return new GraphError("GRAPH_UNMAPPED", `NATS does not bring us what belongs to ${partitions}: ${remedy}`, {
    cause,
  });
}

interface OtherService {
  readonly id: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** All graph services that answer in time; at once where there is none. */
async function askServices(client: BrokerClient): Promise<OtherService[]> {
  const found: OtherService[] = [];
  const inbox = client.newInbox();
  const waiting = new AbortController();
  const replies = client.subscribe(inbox, (message) => {
    if (message.headers?.code === NO_RESPONDERS) return waiting.abort();
    found.push(message.json<OtherService>());
  });
  client.publish(`$SRV.PING.${SERVICE_NAME}`, "", { reply: inbox });
  await delay(OTHER_SERVICES_MS, undefined, { signal: waiting.signal }).catch(() => {}); // nobody is there
  replies.unsubscribe();
  return found;
}
