// Reads a stream in order and without gaps, for as long as it is not stopped. It reads through a consumer
// that pushes messages and keeps no state: the caller's own record of what it has applied is the only one. A
// new consumer begins after that record whenever something is wrong: a message was lost on the way, the
// consumer has been silent for three ticks, it sends heartbeats while messages wait, or the connection was
// restored. Owned by its caller; bounded by the consumer's flow control.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "../../lib/backoff.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { BrokerClient } from "../client.ts";
import type { Msg } from "../message.ts";
import type { Subscribed } from "../subscriptions.ts";
import { parsePosition, type StreamMessage } from "./stream-message.ts";

/** Random bytes in a consumer's name, which is part of every message: a longer one costs CPU. */
const NAME_BYTES = 4;
/** The interval of the consumer's heartbeats and of the reader's ticks. */
const TICK_MS = 500;
/** A consumer that sends nothing for so many ticks is replaced. A blocked process counts one tick only. */
const SILENT_TICKS = 3;
/** After so many ticks with heartbeats only, the reader asks whether messages wait. */
const IDLE_TICKS = 10;
/** Delays between attempts to create a consumer. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** Status code of heartbeats and of requests for flow control. */
const CONTROL = 100;
/** On a heartbeat of a consumer that waits for a flow-control reply: the subject of that reply. */
const STALLED_HEADER = "Nats-Consumer-Stalled";
const FLOW_CONTROL = "$JS.FC.";
const LAST_DELIVERED_HEADER = "Nats-Last-Consumer";

export interface StreamReaderOptions {
  readonly client: BrokerClient;
  readonly stream: string;
  /**
   * Returns the sequence of the first message to read. Called before each consumer is created, so that the
   * caller can compare the stream with what it has applied. If it throws, it is called again later.
   */
  readonly from: () => Promise<number>;
  /** Receives each message. Sequences ascend; one that is left out is no longer stored. Must not throw. */
  readonly onMessage: (message: StreamMessage) => void;
  /** Returns a promise while the stream should not send more; undefined otherwise. */
  readonly paused?: () => Promise<unknown> | undefined;
  readonly log: Logger;
}

export class StreamReader {
  readonly #options: StreamReaderOptions;
  #consumer = "";
  #subscription: Subscribed | undefined;
  #delivered = 0;
  #silentTicks = 0;
  #idleTicks = 0;
  #timer: NodeJS.Timeout | undefined;
  #offStatus: (() => void) | undefined;
  #opening: Promise<void> | undefined;
  #isStopped = false;
  #onCaughtUp: (() => void) | undefined;
  /** The number of consumers created after the first one. */
  restarts = -1;
  /** Why the stream cannot be read at present; undefined while it is read. */
  trouble: string | undefined = "not read yet";

  constructor(options: StreamReaderOptions) {
    this.#options = options;
  }

  /** Begins. Resolves when everything that the stream held at this time was passed to `onMessage`. */
  async start(): Promise<void> {
    const caughtUp = new Promise<void>((resolve) => {
      this.#onCaughtUp = resolve;
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#offStatus = this.#options.client.onStatus((connected) => {
      if (connected) this.reopen("the connection was restored");
    });
    this.reopen();
    await caughtUp;
  }

  /** Replaces the consumer. The next message is the one that `from` returns. */
  reopen(reason?: string): void {
    if (this.#isStopped) return;
    const { log, stream } = this.#options;
    if (reason !== undefined) log.warn({ stream, reason }, "reading the stream again");
    this.#leave();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
  }

  /** Ends reading at once, and removes the consumer. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#offStatus?.();
    this.#leave();
    await this.#opening;
    this.#onCaughtUp?.();
  }

  async #open(): Promise<void> {
    const { client, stream, from, log } = this.#options;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    while (!this.#isStopped && client.connected) {
      const consumer = randomBytes(NAME_BYTES).toString("hex");
      try {
        const first = await from();
        const subject = client.newInbox();
        this.#enter(consumer, subject);
        const asked = { name: consumer, subject, from: first, heartbeatMs: TICK_MS };
        const { waiting } = await client.jetStream.push(stream, asked);
        if (this.#consumer !== consumer) continue; // something went wrong with it already
        this.restarts += 1;
        this.trouble = undefined;
        if (waiting === 0) this.#catchUp();
        return;
      } catch (error) {
        if (this.#consumer === consumer) this.#leave();
        const reason = messageOf(error);
        if (this.trouble !== reason) log.warn({ stream, reason }, "the stream cannot be read at present");
        this.trouble = reason;
        await delay(backoff.nextMs());
      }
    }
  }

  #enter(consumer: string, subject: string): void {
    this.#consumer = consumer;
    this.#delivered = 0;
    this.#silentTicks = 0;
    this.#idleTicks = 0;
    this.#subscription = this.#options.client.subscribeBare(subject, (error, message) => {
      if (this.#consumer === consumer && error === null) this.#receive(message);
    });
  }

  /** Leaves the present consumer, if there is one. The server removes it in any case after some time. */
  #leave(): void {
    const { client, stream } = this.#options;
    const consumer = this.#consumer;
    this.#consumer = "";
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    if (consumer === "" || !client.connected) return;
    client.jetStream.stopPushing(stream, consumer).catch(() => {}); // the server removes it later
  }

  #receive(message: Msg): void {
    this.#silentTicks = 0;
    const position = parsePosition(message.reply);
    if (position === undefined) return this.#control(message);
    this.#idleTicks = 0;
    if (position.delivered !== this.#delivered + 1) return this.reopen("a message was lost on the way");
    this.#delivered = position.delivered;
    const { sequence, timeMs } = position;
    const { subject, data, headers } = message;
    this.#options.onMessage({ sequence, timeMs, subject, data, headers });
    if (position.waiting === 0) this.#catchUp();
  }

  /** Handles a heartbeat or a request for flow control. */
  #control(message: Msg): void {
    if (message.headers?.code !== CONTROL) return;
    const stalled = message.headers.get(STALLED_HEADER);
    const reply = message.reply || stalled;
    if (reply.startsWith(FLOW_CONTROL)) return this.#grant(reply);
    const delivered = Number(message.headers.get(LAST_DELIVERED_HEADER));
    if (delivered > this.#delivered) this.reopen("the newest message was lost on the way");
  }

  /** Lets the stream send more, at once or when the caller is ready. */
  #grant(reply: string): void {
    const { client, paused } = this.#options;
    const pause = paused?.();
    if (pause === undefined) client.publish(reply);
    else void pause.then(() => client.publish(reply));
  }

  #catchUp(): void {
    this.#onCaughtUp?.();
    this.#onCaughtUp = undefined;
  }

  #tick(): void {
    if (this.#consumer === "" || this.#opening !== undefined) return;
    this.#silentTicks += 1;
    this.#idleTicks += 1;
    if (this.#silentTicks > SILENT_TICKS) return this.reopen("no heartbeat");
    if (this.#idleTicks % IDLE_TICKS === 0) void this.#checkIdle(this.#consumer);
  }

  /** Replaces a consumer that sends heartbeats but no messages, although some wait (nats-server #8488). */
  async #checkIdle(consumer: string): Promise<void> {
    const { client, stream, paused } = this.#options;
    const waiting = await client.jetStream.waitingAt(stream, consumer).catch(() => 0); // asked again later
    if (waiting === 0 || this.#consumer !== consumer || this.#idleTicks < IDLE_TICKS) return;
    if (paused?.() === undefined) this.reopen("the consumer is silent although messages wait");
  }
}
