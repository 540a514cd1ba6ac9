// Encke's services as separate processes on free ports, for tests of several processes and for benches.

import { join } from "node:path";
import type { BrokerKind, FanoutMode } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { Services as RunningServices } from "../../load/index.ts";
import { cleanEnvironment, EnckeCommand, encke } from "./command.ts";
import { statusOf } from "./http.ts";
import { type InstalledServer, natsServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

export interface ServicesOptions {
  readonly broker: Exclude<BrokerKind, "auto">;
  /** The nats-server to run if the broker is one; the selected one by default. */
  readonly server?: InstalledServer;
  readonly fanout?: FanoutMode;
  /** `jetstream` starts a nats-server with JetStream, and streams store events first; `core` by default. */
  readonly intake?: "core" | "jetstream";
  /** Additional flags for every edge. */
  readonly edge?: readonly string[];
  /** List of pairs that `encke graph load` loads before the graph service starts. */
  readonly friendships?: string;
  /** Additional environment for each service. */
  readonly env?: Readonly<Record<string, string>>;
}

export class Services {
  readonly directory: string;
  readonly #running: RunningServices;
  readonly #edgeFlags: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #started: EnckeCommand[] = [];

  private constructor(
    running: RunningServices,
    directory: string,
    edgeFlags: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#running = running;
    this.directory = directory;
    this.#edgeFlags = edgeFlags;
    this.#env = env;
  }

  static async start(options: ServicesOptions): Promise<Services> {
    const { broker, server = natsServer, fanout = "subject", edge = [], friendships } = options;
    const isStored = options.intake === "jetstream";
    const env = { ...(isStored && { ENCKE_INTAKE: "jetstream" }), ...options.env };
    const directory = join(tempDir(), "graph");
    if (friendships !== undefined) {
      const loaded = await EnckeCommand.run(["graph", "load", friendships, "--data", directory]);
      if (loaded.exit !== 0) throw new Error(loaded.stderr);
    }
    const edgeFlags = ["--fanout", fanout, ...edge];
    const running = await RunningServices.start({
      ...{ encke, broker, directory, edge: edgeFlags },
      jetStreamFolder: isStored ? tempDir() : undefined,
      env: { ...cleanEnvironment(), NATS_SERVER: server.binary, ...env },
      log: createLogger("test", "silent"),
      signal: new AbortController().signal,
    });
    return new Services(running, directory, edgeFlags, env);
  }

  get nats(): string {
    return this.#running.nats.url;
  }

  /** Address of the first edge. */
  get edge(): URL {
    return this.#running.url;
  }

  get admin(): URL {
    return this.#running.admin;
  }

  /** Process ids of the broker, the graph service and the first edge's worker. */
  get pids(): { readonly broker: number; readonly graph: number; readonly edge: number } {
    const { broker, graph, edge } = this.#running.pids;
    return { broker: broker[0] ?? 0, graph: graph[0] ?? 0, edge: edge[0] ?? 0 };
  }

  /** Process id of the supervisor of the first edge's workers. */
  get edgeSupervisor(): number {
    return this.#running.pids.supervisor[0] ?? 0;
  }

  edgeOf(command: EnckeCommand): URL {
    return new URL(command.find(/edge at (\S+),/));
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
    });
    this.#started.unshift(command);
    return command;
  }

  startEdge(...args: string[]): Promise<EnckeCommand> {
    return this.run(["edge", "--port", "0", "--admin-port", "0", ...this.#edgeFlags, ...args], /edge at/);
  }

  /** Kills the server itself; its supervisor starts another one on the same port. */
  killBroker(): void {
    process.kill(this.pids.broker, "SIGKILL");
  }

  ready(): Promise<void> {
    return waitFor("readiness", async () => (await statusOf(new URL("/readyz", this.admin))) === 200);
  }

  async stop(): Promise<void> {
    for (const command of this.#started) await command.stop();
    await this.#running.stop();
  }
}
