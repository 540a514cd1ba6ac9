// The embedded broker: core NATS for one machine, so that one command works without an installed nats-server.
// It listens on loopback only and implements what NATS clients use there: CONNECT, PUB and HPUB, SUB with
// wildcards and queue groups, UNSUB with a maximum, PING, headers, no-responders. It refuses TLS, accounts,
// mappings and clustering by name, and JetStream with JetStream's own error (jetstream.ts). Beyond one
// machine, use a nats-server.

import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { BrokerError } from "../errors.ts";
import { type CloseReason, Connection, type Subscription, type Switchboard } from "./connection.ts";
import { jetStreamRefusal } from "./jetstream.ts";
import { SubjectTree } from "./subject-tree.ts";

/** The default of nats-server. */
const MAX_PAYLOAD = 1_048_576;
/** Less than nats-server's 64 MiB: every client is a process on this machine and reads fast or not at all. */
const MAX_PENDING_BYTES = 33_554_432;
/** As in our nats-server.conf: a client that answers neither of two PINGs is disconnected. */
const PING_INTERVAL_MS = 10_000;
const MAX_PINGS_OUT = 2;
/** The level of the core protocol that clients may expect. */
const PROTOCOL_VERSION = "2.9.0";

export interface EmbeddedBrokerOptions {
  /** 0 selects any free port. */
  readonly port: number;
  readonly maxPendingBytes?: number;
  /** Maximum size of a message in bytes, including headers. */
  readonly maxPayload?: number;
}

export interface BrokerStats {
  readonly connections: number;
  readonly subscriptions: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly closed: Readonly<Record<CloseReason, number>>;
}

export class EmbeddedBroker implements Switchboard {
  readonly maxPayload: number;
  readonly maxPendingBytes: number;
  readonly #port: number;
  readonly #id = `ENCKE${randomBytes(12).toString("hex").toUpperCase()}`;
  readonly #tree = new SubjectTree<Subscription>();
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  readonly #closed: Record<CloseReason, number> = { client: 0, violation: 0, slow: 0, stopped: 0 };
  #pinger: NodeJS.Timeout | undefined;
  #messagesIn = 0;
  #messagesOut = 0;
  #clientIds = 0;

  constructor(options: EmbeddedBrokerOptions) {
    this.#port = options.port;
    this.maxPayload = options.maxPayload ?? MAX_PAYLOAD;
    this.maxPendingBytes = options.maxPendingBytes ?? MAX_PENDING_BYTES;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /**
   * Listens on 127.0.0.1 and returns the port.
   * @throws BrokerError NATS_SERVER_FAILED if the port is taken
   */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(
          new BrokerError(
            "NATS_SERVER_FAILED",
            `port ${this.#port}: ${cause.message}; choose another with --port`,
            { cause },
          ),
        ),
      );
      this.#server.listen({ host: "127.0.0.1", port: this.#port, backlog: 1024 }, resolve);
    });
    this.#pinger = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    return this.#address();
  }

  /** Closes every connection and the port. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#pinger);
    for (const connection of this.#connections) connection.close("stopped");
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get stats(): BrokerStats {
    return {
      connections: this.#connections.size,
      subscriptions: this.#tree.size,
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      closed: this.#closed,
    };
  }

  subscribe(subscription: Subscription): void {
    this.#tree.add(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    this.#tree.remove(subscription);
  }

  closed(connection: Connection, why: CloseReason): void {
    this.#connections.delete(connection);
    this.#closed[why] += 1;
  }

  route(
    from: Connection,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    payload: Buffer,
  ): void {
    this.#messagesIn += 1;
    const body = payload.toString("latin1");
    const receivers = this.#fanOut(from, subject, reply, headerBytes, body);
    if (reply === undefined) return;
    const refusal = jetStreamRefusal(subject);
    if (refusal !== undefined) this.#fanOut(undefined, reply, undefined, 0, refusal);
    else if (receivers === 0 && from.options.no_responders) {
      const status = noResponders(subject);
      this.#fanOut(undefined, reply, undefined, status.length, status);
    }
  }

  /**
   * Delivers to every matching subscription, and to one member of each queue group. Returns the number of
   * deliveries.
   */
  #fanOut(
    from: Connection | undefined,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    body: string,
  ): number {
    const groups = new Map<string, Subscription[]>();
    let receivers = 0;
    // a copy, because a subscription that reaches its maximum or a slow client leaves the tree during the
    // loop
    for (const match of [...this.#tree.match(subject)]) {
      const { connection, queue } = match;
      if (connection === from && !connection.options.echo) continue;
      if (queue !== undefined) {
        const members = groups.get(queue);
        if (members === undefined) groups.set(queue, [match]);
        else members.push(match);
        continue;
      }
      connection.deliver(match, subject, reply, headerBytes, body);
      receivers += 1;
    }
    for (const members of groups.values()) {
      const chosen = members[Math.floor(Math.random() * members.length)];
      chosen?.connection.deliver(chosen, subject, reply, headerBytes, body);
      receivers += 1;
    }
    this.#messagesOut += receivers;
    return receivers;
  }

  #accept(socket: Socket): void {
    this.#clientIds += 1;
    const connection = new Connection(socket, this);
    this.#connections.add(connection);
    const info = {
      server_id: this.#id,
      server_name: "encke-embedded",
      version: PROTOCOL_VERSION,
      proto: 1,
      host: "127.0.0.1",
      port: this.#address(),
      headers: true,
      max_payload: this.maxPayload,
      client_id: this.#clientIds,
      client_ip: socket.remoteAddress ?? "127.0.0.1",
    };
    connection.send(`INFO ${JSON.stringify(info)} \r\n`);
  }

  #ping(): void {
    for (const connection of this.#connections) {
      if (connection.pingsOut >= MAX_PINGS_OUT) connection.close("client", "Stale Connection");
      else {
        connection.pingsOut += 1;
        connection.send("PING\r\n");
      }
    }
  }

  #address(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : this.#port;
  }
}

/** The status of a subject without subscribers, which includes the subject, as in nats-server since 2.12. */
function noResponders(subject: string): string {
  return `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`;
}
