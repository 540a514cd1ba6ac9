// Another machine, as far as TCP is concerned: a network namespace behind a virtual cable, in which programs
// run. Cutting the cable makes the machine vanish without a FIN. Requires root.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { codeOf } from "../../lib/errors.ts";
import { waitFor } from "./wait-for.ts";

/** Part of 198.18.0.0/15, which is reserved for tests of networks. Each process uses four addresses. */
const ADDRESSES = { first: 198, second: 18, count: 32_768 };

/** Why no namespace can be created here, or false if it can. */
export const skipFarMachine: string | false = tryOnce();

export class FarMachine {
  /** Our address as seen from the other machine. */
  readonly here: string;
  readonly #namespace: string;
  readonly #programs: ChildProcess[] = [];

  constructor(namespace = `encke-far-${process.pid}`) {
    const [here, there] = addressesOf(process.pid % ADDRESSES.count);
    const [near, far] = [`ef${process.pid}a`, `ef${process.pid}b`];
    this.#namespace = namespace;
    this.here = here;
    ip("netns", "add", namespace);
    ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", namespace);
    ip("address", "add", `${here}/30`, "dev", near);
    ip("link", "set", near, "up");
    ip("-n", namespace, "address", "add", `${there}/30`, "dev", far);
    ip("-n", namespace, "link", "set", far, "up");
  }

  /**
   * Reads a stream from there until it ends. Resolves after the first bytes, with the text received so far.
   */
  async read(url: URL): Promise<{ text(): string }> {
    const program = spawn(
      "ip",
      ["netns", "exec", this.#namespace, process.execPath, "-e", READER, url.href],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    this.#programs.push(program);
    let text = "";
    program.stdout.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    await waitFor(`${url.pathname} to open from afar`, () => text !== "");
    return { text: () => text };
  }

  /** Cuts the cable: nothing arrives in either direction any more, not even a FIN. */
  vanish(): void {
    ip("-n", this.#namespace, "link", "set", `ef${process.pid}b`, "down");
  }

  /** Reconnects the cable. */
  return(): void {
    ip("-n", this.#namespace, "link", "set", `ef${process.pid}b`, "up");
  }

  /** Ends the programs of the machine and removes it. */
  stop(): void {
    for (const program of this.#programs) program.kill("SIGKILL");
    ip("netns", "delete", this.#namespace);
  }
}

/** A reader that prints everything it receives. */
const READER = `require("node:http")
  .get(process.argv[1], (response) => response.pipe(process.stdout))
  .on("error", () => {}); // .on("error", () => {}); // the cable was cut`;

function addressesOf(number: number): [here: string, there: string] {
  const { first, second } = ADDRESSES;
  const base = number * 4;
  const address = (last: number): string =>
    [first, second + (base >> 16), (base >> 8) & 255, (base & 255) + last].join(".");
  return [address(1), address(2)];
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function tryOnce(): string | false {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const namespace = `encke-try-${process.pid}`;
  try {
    ip("netns", "add", namespace);
    ip("netns", "delete", namespace);
    return false;
  } catch (error) {
    return `no network namespaces here (${codeOf(error) === "ENOENT" ? "no ip: Debian's iproute2" : "ip netns fails"})`;
  }
}
