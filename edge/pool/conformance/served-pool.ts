// A pool with an app and a server in front of it, and raw clients: what each part of the suite uses. Owned by
// the suite, which starts it before each test and stops it afterwards.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Context, Hono } from "hono";
import { parseUserId, type UserId } from "../../../broker/contract.ts";
import { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import type { FormatName } from "../../formats/format.ts";
import { FORMATS } from "../../formats/index.ts";
import { ndjson } from "../../formats/ndjson.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { sse } from "../../formats/sse.ts";
import { text } from "../../formats/text.ts";
import type { CloseReason } from "../close-reasons.ts";
import { type ConnectionPool, DEFAULT_LIMITS, type PoolLimits, type StreamSpec } from "../pool.ts";

/** One implementation, and how to serve an app whose held responses it receives. */
export interface PoolUnderTest {
  readonly name: string;
  readonly skip: string | false;
  /** Whether the pool sends the response's head; otherwise the runtime does. */
  readonly sendsHead: boolean;
  create(limits: PoolLimits): ConnectionPool;
  serve(app: Hono, pool: ConnectionPool, onAbandoned: (spec: StreamSpec) => void): Server;
  /** Marks a response to be held. */
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response;
}

export const LIMITS: PoolLimits = { ...DEFAULT_LIMITS, maxQueueBytes: 65_536, endMs: 200 };
export const ann: UserId = parseUserId("ann");
let sequence = 0;

export function eventOf(payload: string): PositionedEvent {
  sequence += 1;
  return new PositionedEvent(`e${sequence}`, JSON.stringify({ id: `e${sequence}`, data: payload }), "0");
}

/** A reader whose stream is corked. */
export interface CorkedClient {
  readonly raw: RawHttp;
  readonly number: number;
}

export class ServedPool {
  readonly #tested: PoolUnderTest;
  #lastCork = 0;
  #pool: ConnectionPool | undefined;
  #server: Server | undefined;
  #clients: RawHttp[] = [];
  /** Users of streams that ended, one entry per stream. */
  ended: string[] = [];
  /** Why these streams ended. */
  endedBy: CloseReason[] = [];
  /** Numbers of the corks whose streams the pool began to hold, and whether `hold` had returned by then. */
  heldCorks: [number, boolean][] = [];
  /** Streams that were abandoned before they were held. */
  abandoned = 0;
  /** Lets the pending requests for `/late/…` continue. */
  openGate: () => void = () => {};

  constructor(tested: PoolUnderTest) {
    this.#tested = tested;
  }

  /** Whether the pool sends the response's head. */
  get sendsHead(): boolean {
    return this.#tested.sendsHead;
  }

  get pool(): ConnectionPool {
    return started(this.#pool);
  }

  get server(): Server {
    return started(this.#server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async start(limits: Partial<PoolLimits> = {}): Promise<void> {
    this.ended = [];
    this.endedBy = [];
    this.heldCorks = [];
    this.abandoned = 0;
    this.#clients = [];
    const { create, serve } = this.#tested;
    const pool = create({ ...LIMITS, ...limits });
    pool.onEnd((users, reason) => {
      this.ended.push(users.join(","));
      this.endedBy.push(reason);
    });
    const server = serve(this.#app(), pool, () => {
      this.abandoned += 1;
    });
    this.#pool = pool;
    this.#server = server;
    await new Promise<void>((resolve) =>
      server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve),
    );
  }

  /** Delivers an event to a user's streams and returns their number. */
  deliver(user: UserId, event: PositionedEvent): number | undefined {
    return this.pool.deliver(this.pool.table.find(user), event);
  }

  /** Replaces the pool by one with other limits. No stream may be open. */
  async restart(limits: Partial<PoolLimits>): Promise<void> {
    await this.pool.drain({ perSecond: 1_000, deadlineMs: 0 });
    await new Promise((resolve) => this.server.close(resolve));
    await this.start(limits);
  }

  async stop(): Promise<void> {
    for (const made of this.#clients) made.close();
    await this.pool.drain({ perSecond: 100_000, deadlineMs: 0 });
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Opens a connection, which `stop` closes at the latest. */
  client(): RawHttp {
    const made = new RawHttp(this.port);
    this.#clients.push(made);
    return made;
  }

  /** Opens a stream of these users and waits for its welcome. */
  async held(users = "ann", path = "hold"): Promise<RawHttp> {
    const opened = this.client().get(`/${path}/${users}`);
    await opened.until("welcome");
    return opened;
  }

  /** Opens a corked stream of these users and waits until the pool holds it. */
  async corked(users = "ann", format: FormatName = "sse", query = ""): Promise<CorkedClient> {
    this.#lastCork += 1;
    const number = this.#lastCork;
    const raw = this.client().get(`/cork/${format}/${users}?cork=${number}&${query}`);
    await waitFor("the stream to be held", () => this.heldCorks.some(([held]) => held === number));
    return { raw, number };
  }

  #hold(c: Context, spec: StreamSpec): Response {
    let returned = false;
    const number = Number(c.req.query("cork"));
    const cork = { number, onHeld: () => this.heldCorks.push([number, returned]) };
    const cursor = c.req.query("cursor") ?? "";
    const format = FORMATS.find(({ name }) => name === c.req.param("format")) ?? text;
    const headers = { "Content-Type": format.contentType };
    const response = this.#tested.hold(c, { ...spec, format, opening: "", cursor, cork }, headers);
    returned = true;
    return response;
  }

  #app(): Hono {
    const { hold } = this.#tested;
    const gate = new Promise<void>((resolve) => {
      this.openGate = resolve;
    });
    const app = new Hono();
    app.use(async (c, next) => {
      await next();
      c.header("X-After", "set after next(), caf\u00e9");
    });
    app.get("/hello", (c) => c.text("hi\n"));
    app.get("/hold/:users", (c) => hold(c, specOf(c), { "Content-Type": "text/plain" }));
    app.get("/sse/:users", (c) =>
      hold(c, { ...specOf(c), format: sse }, { "Content-Type": "text/event-stream" }),
    );
    app.get("/ndjson/:users", (c) =>
      hold(c, { ...specOf(c), format: ndjson }, { "Content-Type": ndjson.contentType }),
    );
    app.get("/cork/:format/:users", (c) => this.#hold(c, specOf(c)));
    app.get("/late/:users", async (c) => {
      await gate;
      return hold(c, specOf(c), {});
    });
    return app;
  }
}

function specOf(c: Context): StreamSpec {
  const expires = c.req.query("expires");
  const tick = c.req.query("tick");
  const expiresAt = c.req.query("expiresAt");
  return {
    users: (c.req.param("users") ?? "").split(",").map(parseUserId),
    format: text,
    opening: "welcome\n",
    cursor: c.req.query("cursor") ?? "0",
    ...(tick === undefined ? {} : { tickMs: Number(tick) }),
    ...(expires === undefined ? {} : { expiresAtMs: Date.now() + Number(expires) }),
    ...(expiresAt === undefined ? {} : { expiresAtMs: Number(expiresAt) }),
  };
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the pool is not served yet: it is from the first test on");
  return part;
}
