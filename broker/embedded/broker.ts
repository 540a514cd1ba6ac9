// The embedded broker: core NATS for one machine, so that one command works where no nats-server is
// installed. It listens on loopback only and speaks what the NATS clients speak there: CONNECT, PUB and HPUB,
// SUB with wildcards and queue groups, UNSUB with a maximum, PING, headers, no-responders. TLS, accounts,
// mappings and clustering it refuses by name, JetStream in JetStream's own words (jetstream.ts). Past one
// machine it is a nats-server, never this.

import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { BrokerError } from "../errors.ts";
import { type CloseReason, Connection, type Subscription, type Switchboard } from "./connection.ts";
import { jetStreamRefusal } from "./jetstream.ts";
import { SubjectTree } from "./subject-tree.ts";

/** nats-server's default. */
const MAX_PAYLOAD = 1_048_576;
/** Less than nats-server's 64 MiB: every process that we serve runs on this machine and reads fast or not at all. */
const MAX_PENDING_BYTES = 33_554_432;
/** As our nats-server.conf: a client that answers none of two PINGs is gone. */
const PING_INTERVAL_MS = 10_000;
const MAX_PINGS_OUT = 2;
/** The core protocol level that clients may expect. */
const PROTOCOL_VERSION = "2.9.0";

export interface EmbeddedBrokerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxPendingBytes?: number;
  /** Bytes of the largest message that it takes, headers included. */
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

  /** Listens on 127.0.0.1 and answers the port. @throws BrokerError NATS_SERVER_FAILED when the port is taken */
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

  /** Delivers to everyone who matches, and to one member of each queue group. Answers how many received it. */
  #fanOut(
    from: Connection | undefined,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    body: string,
  ): number {
    const groups = new Map<string, Subscription[]>();
    let receivers = 0;
    // a copy: a subscription that reaches its maximum, or a slow client that is cut, leaves the tree as we walk
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

/** The status of a subject without subscribers; it names the subject, as nats-server does since 2.12. */
function noResponders(subject: string): string {
  return `NATS/1.0 503\r\nNats-Subject: ${subject}\r\n\r\n`;
}
