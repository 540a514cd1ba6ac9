// Encke's services as separate processes on free ports, for tests of several processes and for benches.

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
  /** The nats-server to run if the broker is one; the selected one by default. */
  readonly server?: InstalledServer;
  readonly fanout?: FanoutMode;
  /** Additional flags for every edge. */
  readonly edge?: readonly string[];
  /** Edge list that `encke graph load` loads before the graph service starts. */
  readonly friendships?: string;
  /** Additional environment for each service. */
  readonly env?: Readonly<Record<string, string>>;
  /** Time within which each service must be ready; an edge with many workers needs longer. */
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

  /** Address of the first edge. */
  get edge(): URL {
    return this.edgeOf(this.#edge);
  }

  get admin(): URL {
    return new URL(this.#edge?.find(/admin at (\S+)/) ?? "");
  }

  /** Process ids of the broker, the graph service and the first edge's worker. */
  get pids(): { readonly broker: number; readonly graph: number; readonly edge: number } {
    const broker = this.#broker?.pid ?? 0;
    return {
      broker: this.#embedded ? broker : (childrenOf(broker)[0] ?? 0),
      graph: this.#graph?.pid ?? 0,
      edge: childrenOf(this.#edge?.pid ?? 0)[0] ?? 0,
    };
  }

  /** Process id of the supervisor of the first edge's workers. */
  get edgeSupervisor(): number {
    return this.#edge?.pid ?? 0;
  }

  edgeOf(command: EnckeCommand | undefined): URL {
    return new URL(command?.find(/edge at (\S+),/) ?? "");
  }

  /** Runs a command until it ends, with this NATS. */
  encke(...args: string[]): Promise<EnckeCommand> {
    return EnckeCommand.run(args, { env: { NATS_URL: this.nats } });
  }

  /** Starts a long-running command with this NATS; `stop` stops it. */
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

  /**
   * Kills the server process. The supervisor of a nats-server restarts it; the embedded broker stays dead.
   */
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
