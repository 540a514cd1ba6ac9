// Chooses the broker: NATS_URL if it is set, else a nats-server of our own on this machine, else the embedded
// broker in a process of its own. `stop()` closes whatever was opened here, but not a server that was already
// running.

import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { anyFreePort, freePortFrom, isPortFree } from "../../lib/ports.ts";
import { describeListener } from "../../lib/processes.ts";
import { oneOf } from "../../lib/schemas.ts";
import type { Setting } from "../../lib/settings.ts";
import { Supervisor } from "../../lib/supervisor.ts";
import { BrokerClient } from "../client.ts";
import { BrokerError } from "../errors.ts";
import { describeServers, type NatsConfig } from "../nats-config.ts";
import { findNatsServer, type NatsServerChoice } from "./find-nats-server.ts";
import { NatsServer } from "./nats-server.ts";
import { versionOfNatsServer } from "./nats-server-version.ts";

const BROKER_KINDS = ["auto", "nats-server", "embedded"] as const;
export type BrokerKind = (typeof BROKER_KINDS)[number];

/** The setting of commands that start a broker. */
export const brokerKind: Setting<BrokerKind> = {
  value: "KIND",
  help: BROKER_KINDS.join(", "),
  schema: oneOf(BROKER_KINDS),
  default: "auto",
};

const EMBEDDED_START_MS = 10_000;
const EMBEDDED_STOP_MS = 5_000;

export interface OpenBrokerOptions {
  readonly kind: BrokerKind;
  /** Set if the user named a server: it is used, and nothing is spawned. */
  readonly external: NatsConfig | undefined;
  /** 0 selects any free port. */
  readonly port: number;
  /** Whether a taken port may be replaced by a free one (a default), or is an error (a given port). */
  readonly portMayMove: boolean;
  /** Number of partitions into which the topics are divided, 1 by default; only a nats-server can do that. */
  readonly partitions?: number;
  /** Where JetStream stores streams, which only a nats-server can do; without it, there is no JetStream. */
  readonly jetStreamFolder?: string | undefined;
  /** Command line that runs the embedded broker; `--port N` is appended. */
  readonly embeddedCommand: readonly [string, ...string[]];
  /** Environment of spawned processes, which also selects the nats-server. */
  readonly environment: NodeJS.ProcessEnv & NatsServerChoice;
  readonly log: Logger;
}

export interface OpenedBroker {
  readonly url: string;
  /** What runs where, for people. */
  readonly description: string;
  /** Id of the process that was started, if any. */
  pid(): number | undefined;
  stop(): Promise<void>;
}

/**
 * Opens the broker.
 * @throws BrokerError NATS_UNREACHABLE, NATS_SERVER_FAILED, BAD_NATS_URL or BAD_PARTITIONS
 */
export async function openBroker(options: OpenBrokerOptions): Promise<OpenedBroker> {
  if (options.external !== undefined) return useExternal(options.external, options.log);
  const port = await choosePort(options);
  const binary = options.kind === "embedded" ? undefined : findNatsServer(options.environment);
  const { partitions = 1 } = options;
  if (binary !== undefined) return spawnNatsServer(binary, port, partitions, options);
  if (options.jetStreamFolder !== undefined) {
    throw new BrokerError(
      "NATS_SERVER_FAILED",
      "the embedded broker has no JetStream: install a nats-server (Debian: apt install nats-server)",
    );
  }
  if (partitions > 1) {
    throw new BrokerError(
      "NATS_SERVER_FAILED",
      `the embedded broker cannot split the topics into ${partitions} partitions: install a nats-server (Debian: apt install nats-server)`,
    );
  }
  if (options.kind === "nats-server") {
    throw new BrokerError(
      "NATS_SERVER_FAILED",
      "no nats-server on PATH, in /usr/sbin or in .cache: install one (Debian: apt install nats-server), or use --broker embedded",
    );
  }
  return spawnEmbedded(port, options);
}

async function choosePort({ port, portMayMove }: OpenBrokerOptions): Promise<number> {
  if (port === 0) return anyFreePort("127.0.0.1");
  const chosen = portMayMove ? await freePortFrom("127.0.0.1", port) : port;
  if (await isPortFree("127.0.0.1", chosen)) return chosen;
  throw new BrokerError(
    "NATS_SERVER_FAILED",
    `port ${port} is taken: ${describeListener(port)}; choose another with --port, or set NATS_URL to use what runs there`,
  );
}

async function useExternal(external: NatsConfig, log: Logger): Promise<OpenedBroker> {
  const client = await BrokerClient.connect(external, { name: "encke probe", log, wait: false });
  await client.close();
  return {
    url: external.url,
    description: `NATS at ${describeServers(external)}`,
    pid: () => undefined,
    stop: async () => {},
  };
}

async function spawnNatsServer(
  binary: string,
  port: number,
  partitions: number,
  { environment: env, log, jetStreamFolder: folder }: OpenBrokerOptions,
): Promise<OpenedBroker> {
  const jetStream = folder === undefined ? undefined : { folder, version: versionOfNatsServer(binary) };
  const server = new NatsServer(binary, port, log, { partitions, env, jetStream });
  try {
    await server.start();
  } catch (cause) {
    await server.stop();
    throw new BrokerError("NATS_SERVER_FAILED", `${messageOf(cause)}; try --broker embedded`, { cause });
  }
  const url = `nats://127.0.0.1:${port}`;
  return { url, description: `nats-server at ${url}`, pid: () => server.pid, stop: () => server.stop() };
}

async function spawnEmbedded(
  port: number,
  { embeddedCommand, environment: env, log }: OpenBrokerOptions,
): Promise<OpenedBroker> {
  const url = `nats://127.0.0.1:${port}`;
  const [file, ...args] = embeddedCommand;
  const supervisor = new Supervisor({
    command: file,
    args: [...args, "--port", String(port)],
    env,
    log,
    stopMs: EMBEDDED_STOP_MS,
    ready: () => answers(url, log),
  });
  await supervisor.start();
  return {
    url,
    description: `embedded broker at ${url} (install nats-server for more than one machine)`,
    pid: () => supervisor.pid,
    stop: () => supervisor.stop(),
  };
}

async function answers(url: string, log: Logger): Promise<void> {
  const signal = AbortSignal.timeout(EMBEDDED_START_MS);
  const quiet = log.child({}, { level: "silent" });
  const client = await BrokerClient.connect({ url }, { name: "encke probe", log: quiet, wait: true, signal });
  await client.close();
}
