// A NATS connection for the duration of one command, closed however the command ends, and replies as text.

import { CommandError } from "../lib/command-error.ts";
import type { Logger } from "../lib/log.ts";
import { BrokerClient } from "./client.ts";
import { BrokerError } from "./errors.ts";
import { type Msg, serviceErrorOf } from "./message.ts";
import type { NatsConfig } from "./nats-config.ts";

/**
 * Connects, runs `use` and closes.
 * @throws BrokerError NATS_UNREACHABLE at once if there is no server
 */
export async function withClient<T>(
  config: NatsConfig,
  log: Logger,
  use: (client: BrokerClient) => Promise<T>,
): Promise<T> {
  const client = await BrokerClient.connect(config, { name: "encke", log, wait: false });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * Publishes one message and waits until the server has received it.
 * @throws BrokerError PAYLOAD_TOO_LARGE or NATS_DISCONNECTED
 */
export async function publishOnce(client: BrokerClient, subject: string, payload: Uint8Array): Promise<void> {
  if (client.publish(subject, payload) === "unfit")
    throw new BrokerError(
      "PAYLOAD_TOO_LARGE",
      `the message has ${payload.length} bytes, and NATS' max_payload is ${client.maxPayload}: send less, or raise max_payload`,
    );
  await client.flush(); // rejects if the connection is down
}

/**
 * Returns the text of a service's reply.
 * @throws CommandError REPLIED_ERROR if the reply is an error
 */
export function textOf(reply: Msg): string {
  const problem = serviceErrorOf(reply);
  if (problem !== undefined) throw new CommandError("REPLIED_ERROR", `${problem.message} (${problem.code})`);
  return reply.string();
}
