// Checks, before a service accepts events, that it alone will receive them: no other graph service serves one
// of its partitions, and NATS delivers the subjects of its partitions to it. Without these checks events
// would silently be delivered twice or not at all.

import { setTimeout as delay } from "node:timers/promises";
import { graphEndpoint, graphSubject, parseTopic, type Topic } from "../broker/contract.ts";
import { BrokerClient, type ConnectOptions, type NatsConfig, replyError, replyOf } from "../broker/index.ts";
import { codeOf } from "../lib/errors.ts";
import { SERVICE_NAME } from "./endpoints.ts";
import { GraphError } from "./errors.ts";
import { Partitions } from "./partitions.ts";

/** How long to wait for replies from other graph services. */
const OTHER_SERVICES_MS = 500;
/** The maximum time until every server of a cluster has learned about a subscription. */
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
        `graph service ${id} already serves ${theirs} on this NATS, which contradicts ${partitions}: give all services the same number of partitions`,
      );
    }
    const shared = partitions.owned.find((partition) => theirs.has(partition));
    if (shared === undefined) continue;
    const what = partitions.of === 1 ? "" : ` for partition ${shared} of ${partitions.of}`;
    throw new GraphError(
      "GRAPH_SERVED_ALREADY",
      `graph service ${id} is already running on this NATS${what}: stop it first, or events would be delivered twice`,
    );
  }
}

/**
 * Requests a topic of each owned partition over a second connection until the requests arrive at `owner`. The
 * requests have no effect: the service is not serving yet, and other clients that send a request in the
 * meantime receive GRAPH_STARTING.
 * @throws GraphError GRAPH_UNMAPPED if the broker routes these subjects elsewhere
 */
export async function proveMappings(
  owner: BrokerClient,
  nats: NatsConfig,
  options: Omit<ConnectOptions, "name">,
  partitions: Partitions,
): Promise<void> {
  const starting = new GraphError("GRAPH_STARTING", "the graph is starting: try again in a moment");
  const ours = owner.newInbox(); // a unique text that identifies our replies
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
      throw unmapped(partitions); // another service replied
    } catch (error) {
      const code = codeOf(error);
      if (code === "REQUEST_TIMEOUT") return; // no permission to publish the request: nothing can be proven
      if (code !== "NO_RESPONDERS" && code !== "ONLY_STREAM_REPLIED") throw error;
      if (owner.refused.length > 0) return; // no permission to subscribe, which `notReady` reports
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
      ? "its configuration splits the topics: start with --partitions and the same number of partitions"
      : `give every server the mappings of \`encke broker --print-config --partitions ${partitions.of}\``;
  return new GraphError(
    "GRAPH_UNMAPPED",
    `NATS does not deliver the subjects of ${partitions} to this service: ${remedy}`,
    {
      cause,
    },
  );
}

interface OtherService {
  readonly id: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Returns the graph services that reply in time. Returns at once if there is none. */
async function askServices(client: BrokerClient): Promise<OtherService[]> {
  const found: OtherService[] = [];
  const inbox = client.newInbox();
  const waiting = new AbortController();
  const replies = client.subscribe(inbox, (message) => {
    if (message.headers?.code === NO_RESPONDERS) return waiting.abort();
    found.push(message.json<OtherService>());
  });
  client.publish(`$SRV.PING.${SERVICE_NAME}`, "", { reply: inbox });
  await delay(OTHER_SERVICES_MS, undefined, { signal: waiting.signal }).catch(() => {}); // no others
  replies.unsubscribe();
  return found;
}
