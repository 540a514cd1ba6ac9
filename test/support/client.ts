// The test's own NATS connection, and requests over it.

import { BrokerClient, type NatsConfig, serviceErrorOf } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";

/** Time after which a missing reply fails the test. */
const REPLY_MS = 5_000;

const silent = createLogger("test", "silent");

/** Connects to NATS and throws if that fails at once. The caller closes the connection. */
export function connectClient(config: NatsConfig, name = "test"): Promise<BrokerClient> {
  return BrokerClient.connect(config, { name, log: silent, wait: false });
}

/** Reply of a service: its fields, or `problem` if it is an error. */
export type Reply = Readonly<Record<string, unknown>> & {
  readonly problem?: { readonly code: number; readonly message: string };
};

/** Sends a request and returns the reply as JSON. A payload that is an object is sent as JSON. */
export async function ask(
  client: BrokerClient,
  subject: string,
  payload: string | object = "",
): Promise<Reply> {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const reply = await client.request(subject, body, REPLY_MS);
  const problem = serviceErrorOf(reply);
  return problem === undefined ? reply.json<Reply>() : { problem };
}

/** A complete list of the graph, collected page by page. */
export interface PagedList {
  readonly names: string[];
  /** Number of ids on each page. */
  readonly pageSizes: number[];
  /** Size of the longest reply in bytes. */
  readonly longest: number;
}

/** Reads every page of `graph.<verb>.<name>`. Throws if a page is an error. */
export async function readPages(
  client: BrokerClient,
  verb: "subscribers" | "subscriptions",
  name: string,
  limit?: number,
): Promise<PagedList> {
  const names: string[] = [];
  const pageSizes: number[] = [];
  let longest = 0;
  let after: string | undefined;
  do {
    const reply = await client.request(`graph.${verb}.${name}`, JSON.stringify({ after, limit }), REPLY_MS);
    const problem = serviceErrorOf(reply);
    if (problem !== undefined) throw new Error(`graph.${verb}.${name}: ${problem.code} ${problem.message}`);
    const page = reply.json<{ next?: string } & Partial<Record<typeof verb, string[]>>>();
    const onPage = page[verb] ?? [];
    names.push(...onPage);
    pageSizes.push(onPage.length);
    longest = Math.max(longest, reply.data.length);
    after = page.next;
  } while (after !== undefined);
  return { names, pageSizes, longest };
}
