// A real nats-server for one machine: configured, spawned and kept running. Owned by `encke up` or `encke
// broker`; it ends with them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../lib/log.ts";
import { Supervisor } from "../../lib/supervisor.ts";
import { BrokerError } from "../errors.ts";
import { partitionMappings } from "../partition.ts";
import { jetStreamSettings } from "./jetstream-settings.ts";

const START_TIMEOUT_MS = 10_000;
const STOP_MS = 5_000;

/** Settings that may differ between our servers. */
export interface NatsServerSettings {
  /** Number of partitions into which the topics are divided; 1 by default. */
  readonly partitions?: number;
  /** Maximum size of a message in bytes; nats-server's default is 1 MiB. */
  readonly maxPayload?: number;
  /** Where JetStream stores streams, and the version of the server; without it, there is no JetStream. */
  readonly jetStream?: { readonly folder: string; readonly version: string } | undefined;
  /** Environment of the server; this process's by default. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Our configuration: loopback, and limits that keep one hanging client from delaying the others for long. */
function natsServerConfig(
  port: number,
  name: string,
  { partitions = 1, maxPayload, jetStream }: NatsServerSettings,
): string {
  return `# Written by Encke for one machine: loopback only.
server_name: "${name}"
listen: "127.0.0.1:${port}"
# A client that accepts no whole message for this long is disconnected. A shorter time would delay publishers
# less, but would disconnect an edge for one burst that it can handle:
# docs/decisions/0006-let-nats-server-wait-ten-seconds.md
write_deadline: "10s"
ping_interval: "10s"
ping_max: 2
${maxPayload === undefined ? "" : `max_payload: ${maxPayload}\n`}${
  jetStream === undefined ? "" : jetStreamSettings(jetStream.folder, jetStream.version)
}${partitionMappings(partitions)}`;
}

/** One supervised nats-server. If it dies it restarts on the same port, so that clients find it again. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #supervisor: Supervisor;
  readonly #name: string;

  /** @throws BrokerError BAD_PARTITIONS */
  constructor(binary: string, port: number, log: Logger, settings: NatsServerSettings = {}) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), "encke-nats-"));
    this.#name = `encke-${process.pid}-${port}`;
    const config = join(this.#folder, "nats-server.conf");
    writeFileSync(config, natsServerConfig(port, this.#name, settings));
    this.#supervisor = new Supervisor({
      command: binary,
      args: ["-c", config],
      env: settings.env,
      log,
      ready: () => this.#answers(),
      stopMs: STOP_MS,
    });
  }

  get pid(): number | undefined {
    return this.#supervisor.pid;
  }

  /**
   * Starts the server and waits until it accepts connections.
   * @throws EnckeError CHILD_FAILED or BrokerError NATS_SERVER_FAILED
   */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** Stops the server. Idempotent. */
  async stop(): Promise<void> {
    await this.#supervisor.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits until the server on our port is the one that we started, as its name shows. */
  async #answers(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if ((await serverNameAt(this.port)) === this.#name) return;
      await delay(20);
    }
    throw new BrokerError(
      "NATS_SERVER_FAILED",
      `nats-server does not accept connections on port ${this.port}: choose another with --port`,
    );
  }
}

/** Returns the name in the INFO line of the server on a local port; undefined if there is none. */
function serverNameAt(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let line = "";
    const done = (name: string | undefined): void => {
      socket.destroy();
      resolve(name);
    };
    socket.setTimeout(1_000, () => done(undefined));
    socket.on("error", () => done(undefined)); // not listening yet: the caller tries again
    socket.on("end", () => done(undefined));
    socket.setEncoding("utf8").on("data", (text: string) => {
      line += text;
      if (line.includes("\n")) done(/"server_name":"([^"]*)"/.exec(line)?.[1]);
    });
  });
}
