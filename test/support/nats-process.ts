// A nats-server with a configuration of the test. The server chooses its port itself unless one is given,
// because a port that was free a moment ago may have been taken. Owned by the test, which stops it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InstalledServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const HOST = "127.0.0.1";
const ANY_PORT = -1;

export class NatsProcess {
  readonly #child: ChildProcess;
  readonly #file: string;
  /** What the server has logged so far. */
  log = "";
  port = 0;

  private constructor({ binary }: InstalledServer, file: string) {
    this.#file = file;
    this.#child = spawn(binary, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
    });
  }

  /**
   * Starts a server and waits until it is ready.
   * @param config without `listen`
   * @throws Error with the log if the server ends instead
   */
  static async start(server: InstalledServer, config = "", port: number = ANY_PORT): Promise<NatsProcess> {
    const file = join(tempDir(), "nats-server.conf");
    writeConfig(file, port, config);
    const started = new NatsProcess(server, file);
    await waitFor("nats-server to be ready", () => {
      if (started.#child.exitCode !== null) throw new Error(started.log);
      return started.log.includes("Server is ready");
    });
    started.port = Number(/Listening for client connections on \S*:(\d+)/.exec(started.log)?.[1]);
    return started;
  }

  get url(): string {
    return `nats://${HOST}:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Applies another configuration by a reload, and resolves after the server has read it. */
  async reload(config: string): Promise<void> {
    const from = this.log.length;
    writeConfig(this.#file, this.port, config);
    this.#child.kill("SIGHUP");
    await waitFor("nats-server to reload", () => {
      const said = this.log.slice(from);
      if (said.includes("Failed to reload")) throw new Error(said);
      return said.includes("Reloaded server configuration");
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends the server, by default as kill -9 does. Idempotent. */
  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

function writeConfig(file: string, port: number, config: string): void {
  writeFileSync(file, `listen: "${HOST}:${port}"\n${config}`);
}
