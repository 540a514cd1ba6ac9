// A NATS connection for the length of one command, closed however that ends; and what a service answered on it.

import { BrokerError } from "../broker/contract.ts";
import { BrokerClient, type Msg, serviceErrorOf } from "../broker/index.ts";
import type { Context } from "./command.ts";
import { CliError } from "./errors.ts";
import { type NatsValues, natsConfigOf } from "./settings.ts";

/** Connects, runs, closes. A server that is not there fails at once. */
export async function withClient<T>(
  context: Context,
  values: NatsValues,
  use: (client: BrokerClient) => Promise<T>,
): Promise<T> {
  const client = await BrokerClient.connect(natsConfigOf(values), {
    name: "encke",
    log: context.log,
    wait: false,
  });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * Publishes one message and waits until the server has it.
 * @throws BrokerError PAYLOAD_TOO_LARGE or NATS_DISCONNECTED
 */
export async function publishOnce(client: BrokerClient, subject: string, payload: Uint8Array): Promise<void> {
  if (client.publish(subject, payload) === "unfit")
    throw new BrokerError(
      "PAYLOAD_TOO_LARGE",
      `the message has ${payload.length} bytes, and NATS' max_payload is ${client.maxPayload}: send less, or raise max_payload`,
    );
  await client.flush(); // rejects where the connection is down
}

/** A service's answer. @throws CliError REPLIED_ERROR where it is an error */
export function answerOf(reply: Msg): string {
  const problem = serviceErrorOf(reply);
  if (problem !== undefined) throw new CliError("REPLIED_ERROR", `${problem.message} (${problem.code})`);
  return reply.string();
}
