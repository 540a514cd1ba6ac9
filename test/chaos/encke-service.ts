// A graph service or an edge of the site, as a process: with links to every NATS node, a wall clock and, if
// it stores anything, a small disk of its own. Owned by the site, which stops it.

import { join } from "node:path";
import { anyFreePort } from "../../lib/ports.ts";
import { childrenOf } from "../../lib/processes.ts";
import { EnckeCommand } from "../support/command.ts";
import { statusOf } from "../support/http.ts";
import type { LossyProxy } from "../support/lossy-proxy.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp-dir.ts";
import { skipWallClock, WallClock } from "../support/wall-clock.ts";
import type { Part, Program } from "./part.ts";
import type { EdgeSetup } from "./setups.ts";

const HOST = "127.0.0.1";
const DISK_MEBIBYTES = 96;
/** NATS may be away while a service starts. */
const START_MS = 60_000;

interface ServiceOptions {
  readonly name: string;
  readonly kind: "graph" | "edge";
  readonly links: readonly LossyProxy[];
  readonly args: readonly string[];
  readonly ready: RegExp;
  readonly noticed?: RegExp;
  readonly disk?: SmallDisk | undefined;
  /** Where it listens for readers. */
  readonly port?: number;
}

export class EnckeService implements Program, Part {
  readonly name: string;
  readonly kind: "graph" | "edge";
  readonly links: readonly LossyProxy[];
  readonly noticed: RegExp | undefined;
  readonly clock: WallClock | undefined = skipWallClock === false ? new WallClock() : undefined;
  readonly disk: SmallDisk | undefined;
  readonly program: Program = this;
  readonly isSupervised: boolean;
  /** Where readers connect, if it is an edge. */
  readonly url: URL;
  readonly #options: ServiceOptions;
  readonly #admin: URL;
  #command: EnckeCommand | undefined;
  #earlierLog = "";

  private constructor(options: ServiceOptions, adminPort: number) {
    const { name, kind, links, noticed, disk, port = 0 } = options;
    this.name = name;
    this.kind = kind;
    this.links = links;
    this.noticed = noticed;
    this.disk = disk;
    this.isSupervised = kind === "edge";
    this.url = new URL(`http://${HOST}:${port}`);
    this.#options = options;
    this.#admin = new URL(`http://${HOST}:${adminPort}`);
  }

  /** Returns a graph service for a share of the partitions, on a small disk where one can be mounted. */
  static async graph(
    share: string,
    links: readonly LossyProxy[],
    flags: readonly string[],
  ): Promise<EnckeService> {
    const disk = SmallDisk.mount(DISK_MEBIBYTES);
    const directory = join(disk?.path ?? tempDir(), "graph");
    const args = ["graph", "serve", "--data", directory, "--partitions", share, ...flags];
    const noticed = /^presence\.|^part\.\d+\.(replay|mark)$/;
    return new EnckeService(
      { name: `graph ${share}`, kind: "graph", links, args, ready: /graph of/, noticed, disk },
      await anyFreePort(HOST),
    );
  }

  static async edge(
    nth: number,
    { fanout, pool }: EdgeSetup,
    links: readonly LossyProxy[],
  ): Promise<EnckeService> {
    const port = await anyFreePort(HOST);
    const args = ["edge", "--port", String(port), "--fanout", fanout, "--pool", pool, "--drain-time", "1s"];
    const name = `edge ${nth} ${fanout}`;
    return new EnckeService(
      { name, kind: "edge", links, args, ready: /edge at/, noticed: /^edge\.[0-9a-f]+$/, port },
      await anyFreePort(HOST),
    );
  }

  pids(): readonly number[] {
    const { pid = 0 } = this.#command ?? {};
    return this.kind === "edge" ? childrenOf(pid) : [pid];
  }

  async start(): Promise<void> {
    const { args, ready, links } = this.#options;
    const env = { NATS_URL: links.map(({ url }) => url).join(","), ...this.clock?.env };
    this.#earlierLog = this.log;
    const all = [...args, "--admin-port", this.#admin.port];
    this.#command = await EnckeCommand.start(all, ready, { env, readyMs: START_MS });
  }

  async stop(): Promise<void> {
    this.#command?.kill("SIGTERM");
    await this.#command?.untilExit();
  }

  untilEnded(): Promise<void> {
    return this.#command?.untilExit() ?? Promise.resolve();
  }

  async isReady(): Promise<boolean> {
    if (this.#command?.exit !== undefined) return false;
    return (await statusOf(new URL("/readyz", this.#admin)).catch(() => 0)) === 200;
  }

  /** What it has written to standard error since the first start. */
  get log(): string {
    return this.#earlierLog + (this.#command?.stderr ?? "");
  }
}
