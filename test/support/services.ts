// Encke's services one by one, as processes of their own on free ports: what tests of several processes and benches
// run.

import { join } from "node:path";
import type { BrokerKind, FanoutMode } from "../../broker/index.ts";
import { childrenOf } from "../../lib/processes.ts";
import { onFreePort } from "./brokers.ts";
import { EnckeCommand } from "./command.ts";
import { statusOf } from "./http.ts";
import { type InstalledServer, natsServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

export interface ServicesOptions {
  readonly broker: Exclude<BrokerKind, "auto">;
  /** Which nats-server, where the broker is one; the chosen one where absent. */
  readonly server?: InstalledServer;
  readonly fanout?: FanoutMode;
  /** More flags for every edge. */
  readonly edge?: readonly string[];
  /** Loaded before the graph service starts, as `encke graph load` takes it. */
  readonly friendships?: string;
  /** More environment for each of them. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long each of them may take to come up; an edge of many workers takes a while. */
  readonly readyMs?: number;
}

export class Services {
  readonly nats: string;
  readonly directory: string = join(tempDir(), "graph");
  readonly #embedded: boolean;
  readonly #server: InstalledServer;
  readonly #edgeFlags: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #readyMs: number | undefined;
  readonly #started: EnckeCommand[] = [];
  #broker: EnckeCommand | undefined;
  #graph: EnckeCommand | undefined;
  #edge: EnckeCommand | undefined;

  private constructor(port: number, options: ServicesOptions) {
    const { broker, server = natsServer, fanout = "subject", edge = [], env = {}, readyMs } = options;
    this.nats = `nats://127.0.0.1:${port}`;
    this.#embedded = broker === "embedded";
    this.#server = server;
    this.#edgeFlags = ["--fanout", fanout, ...edge];
    this.#env = env;
    this.#readyMs = readyMs;
  }

  static async start(options: ServicesOptions): Promise<Services> {
    const { friendships } = options;
    const services = await onFreePort(undefined, async (port) => {
      const made = new Services(port, options);
      await made.startBroker();
      return made;
    });
    if (friendships !== undefined) {
      const loaded = await services.encke("graph", "load", friendships, "--data", services.directory);
      if (loaded.exit !== 0) throw new Error(loaded.stderr);
    }
    services.#graph = await services.run(["graph", "serve", "--data", services.directory], /graph of/);
    services.#edge = await services.startEdge();
    await services.ready();
    return services;
  }

  /** The first edge. */
  get edge(): URL {
    return this.edgeOf(this.#edge);
  }

  get admin(): URL {
    return new URL(this.#edge?.find(/admin at (\S+)/) ?? "");
  }

  /** The processes that do the work: the broker, the graph service, the first edge's worker. */
  get pids(): { readonly broker: number; readonly graph: number; readonly edge: number } {
    const broker = this.#broker?.pid ?? 0;
    return {
      broker: this.#embedded ? broker : (childrenOf(broker)[0] ?? 0),
      graph: this.#graph?.pid ?? 0,
      edge: childrenOf(this.#edge?.pid ?? 0)[0] ?? 0,
    };
  }

  /** The process that supervises the first edge's workers. */
  get edgeSupervisor(): number {
    return this.#edge?.pid ?? 0;
  }

  edgeOf(command: EnckeCommand | undefined): URL {
    return new URL(command?.find(/edge at (\S+),/) ?? "");
  }

  /** Runs a command to its end, against this NATS. */
  encke(...args: string[]): Promise<EnckeCommand> {
    return EnckeCommand.run(args, { env: { NATS_URL: this.nats } });
  }

  /** Starts a command that stays, against this NATS; it ends with the services. */
  async run(
    args: readonly string[],
    ready: RegExp,
    env: Readonly<Record<string, string>> = {},
  ): Promise<EnckeCommand> {
    const command = await EnckeCommand.start(args, ready, {
      env: { NATS_URL: this.nats, ...this.#env, ...env },
      ...(this.#readyMs !== undefined && { readyMs: this.#readyMs }),
    });
    this.#started.unshift(command);
    return command;
  }

  startEdge(...args: string[]): Promise<EnckeCommand> {
    return this.run(["edge", "--port", "0", "--admin-port", "0", ...this.#edgeFlags, ...args], /edge at/);
  }

  async startBroker(): Promise<void> {
    const kind = this.#embedded ? ["--embedded"] : [];
    const args = ["broker", "--port", new URL(this.nats).port, ...kind];
    this.#broker = await this.run(
      args,
      /at nats:/,
      this.#embedded ? {} : { NATS_SERVER: this.#server.binary },
    );
  }

  /** Kills the server itself. A nats-server's supervisor starts it anew; the embedded broker stays dead. */
  killBroker(): void {
    process.kill(this.pids.broker, "SIGKILL");
  }

  ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => (await statusOf(new URL("/readyz", this.admin))) === 200;
    return waitFor("readiness", isReady, this.#readyMs);
  }

  async stop(): Promise<void> {
    for (const command of this.#started) await command.stop();
  }
}
