// Sends a browser's requests to the graph over NATS. The browser waits at most ANSWER_MS. Stateless.

import { BrokerError, eventSubject, graphSubject, type Topic, type UserId } from "../broker/contract.ts";
import { type BrokerClient, messageIdHeaders, serviceErrorOf } from "../broker/index.ts";
import { EdgeError } from "./errors.ts";
import type { GraphGate } from "./services.ts";

const ANSWER_MS = 2_000;

export function createGraphGate(client: BrokerClient): GraphGate {
  const ask = async (subject: string, payload: Uint8Array | string, messageId?: string): Promise<object> => {
    const headers = messageId === undefined ? undefined : messageIdHeaders(messageId);
    const reply = await client.request(subject, payload, ANSWER_MS, headers);
    const problem = serviceErrorOf(reply);
    if (problem === undefined) return reply.json<object>();
    if (problem.code === 413) throw new BrokerError("PAYLOAD_TOO_LARGE", problem.message);
    throw new EdgeError(problem.code < 500 ? "BAD_QUERY" : "GRAPH_AWAY", problem.message);
  };
  return {
    async neighbours(user: UserId, limit: number) {
      const page = JSON.stringify({ limit });
      const [followed, followers, count] = (await Promise.all([
        ask(graphSubject("subscriptions", user), page),
        ask(graphSubject("subscribers", user), page),
        ask(graphSubject("count", user), ""),
      ])) as [{ subscriptions: string[] }, { subscribers: string[] }, { count: number }];
      return {
        user,
        subscriptions: followed.subscriptions,
        subscribers: followers.subscribers,
        subscriberCount: count.count,
      };
    },
    publish: (topic: Topic, payload: Uint8Array, messageId: string | undefined) =>
      ask(eventSubject(topic), payload, messageId),
  };
}
