// Real hosts on one machine: containers on a shared Debian tree, each with systemd as process 1 and with
// sshd, connected by network namespaces. The checkout that created the lock folder owns the lab. `down`
// removes everything, whatever state it is in, and every host ends on its own after an hour.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../../lib/errors.ts";
import { projectRoot } from "../../lib/project.ts";
import { InfraError } from "../errors.ts";
import { type RunOptions, type RunResult, run } from "../run.ts";
import { type Host, readTopology, type Topology } from "../topology/topology.ts";
import { endCgroups, makeCgroups } from "./cgroups.ts";
import { makeImage } from "./image.ts";
import { endNetwork, makeNetwork, OPERATOR } from "./network.ts";
import { hostScript, lock, lockOwner, runFolder, sshKey, topologyFile, tree } from "./places.ts";

/** A host ends on its own after this time, in case `down` is never called. */
const LIFE_SECONDS = 3_600;
const BOOT_MS = 90_000;
const LOOK_MS = 250;
const SSH = ["-q", "-i", sshKey, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
const NEEDED = ["systemd-nspawn", "mmdebstrap", "ip", "ssh", "ansible-playbook", "openssl", "git", "npm"];

/** Machines that are in no topology at first: day two adds them (day-two.ts). */
export const SPARES: Readonly<Record<string, Host>> = {
  "gw-3": spare("gateway", "10.77.0.13"),
  "graph-2": spare("graph", "10.77.0.32"),
};

export class Lab {
  /** The topology with which the deployment begins. */
  readonly topology: Topology;
  readonly print: (line: string) => void;

  private constructor(topology: Topology, print: (line: string) => void) {
    this.topology = topology;
    this.print = print;
  }

  /** @throws InfraError LAB_UNFIT if this machine cannot run the lab */
  static async create(print: (line: string) => void): Promise<Lab> {
    const problem = await whyUnfit();
    if (problem !== undefined) throw new InfraError("LAB_UNFIT", problem);
    return new Lab(readTopology(topologyFile), print);
  }

  /**
   * Boots every host of the topology and the given spare ones, and waits until they accept SSH connections.
   * @throws InfraError LAB_BUSY, LAB_FAILED, TOOL_FAILED
   */
  async up(signal?: AbortSignal, spares: typeof SPARES = {}): Promise<void> {
    this.#takeLock();
    await makeImage(this.print, signal);
    mkdirSync(runFolder, { recursive: true });
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", sshKey]);
    const hosts = { ...this.topology.hosts, ...spares };
    await makeNetwork({ ...this.topology, hosts });
    for (const name of Object.keys(hosts)) await this.#boot(name);
    await Promise.all(Object.keys(hosts).map((name) => this.#untilUp(name, signal)));
  }

  /** Destroys a host without warning, and boots a bare one with its name and address. */
  async replace(name: string, signal?: AbortSignal): Promise<void> {
    await this.#end(name);
    await this.#boot(name);
    await this.#untilUp(name, signal);
  }

  /**
   * Ends every host and removes everything that the lab made, except the cached tree. Idempotent.
   * @throws InfraError LAB_BUSY if the lab belongs to another checkout
   */
  async down(): Promise<void> {
    const owner = ownerOfLock();
    if (owner !== undefined && owner !== projectRoot)
      throw new InfraError(
        "LAB_BUSY",
        `the running lab belongs to ${owner}: end it with ${owner}/infra/lab/down`,
      );
    const hosts = { ...this.topology.hosts, ...SPARES };
    for (const name of Object.keys(hosts)) await this.#end(name);
    await endNetwork({ ...this.topology, hosts });
    rmSync(runFolder, { recursive: true, force: true });
    rmSync(lock, { recursive: true, force: true });
  }

  /** Returns what is left of a lab: nothing after `down`. */
  async remains(): Promise<string[]> {
    const { stdout } = await run("ip", ["netns", "list"]);
    const namespaces = stdout.split("\n").filter((line) => line.startsWith("encke-"));
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => line.includes(runFolder));
    return [...namespaces, ...mounts, ...[runFolder, lock].filter((path) => existsSync(path))];
  }

  /** Runs a program of this machine in the network of the operator. @throws InfraError TOOL_FAILED */
  runInside(file: string, args: readonly string[], options?: RunOptions): Promise<RunResult> {
    return run("ip", ["netns", "exec", OPERATOR, file, ...args], options);
  }

  /** Runs a shell line on a host. @throws InfraError TOOL_FAILED */
  async ssh(name: string, line: string, options?: RunOptions): Promise<string> {
    const { stdout } = await this.runInside("ssh", [...SSH, `root@${this.addressOf(name)}`, line], options);
    return stdout.trim();
  }

  addressOf(name: string): string {
    return { ...this.topology.hosts, ...SPARES }[name]?.private ?? name;
  }

  /** Returns the command with which an operator opens a shell on a host. */
  shell(name: string): string {
    return `ip netns exec ${OPERATOR} ssh -i ${sshKey} -o StrictHostKeyChecking=no root@${this.addressOf(name)}`;
  }

  #takeLock(): void {
    try {
      mkdirSync(lock);
      writeFileSync(lockOwner, projectRoot);
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST") throw cause;
      const down = join(ownerOfLock() ?? ".", "infra", "lab", "down");
      throw new InfraError("LAB_BUSY", `${lock} exists, so a lab is already running: end it with ${down}`, {
        cause,
      });
    }
  }

  async #end(name: string): Promise<void> {
    await endCgroups(name);
    const root = rootOf(name);
    if (isMounted(root)) await run("umount", ["--lazy", root]);
    rmSync(join(runFolder, name), { recursive: true, force: true });
  }

  async #boot(name: string): Promise<void> {
    const root = rootOf(name);
    const folder = join(runFolder, name);
    for (const part of ["upper", "work", "root"]) mkdirSync(join(folder, part), { recursive: true });
    const layers = `lowerdir=${tree},upperdir=${join(folder, "upper")},workdir=${join(folder, "work")}`;
    await run("mount", ["-t", "overlay", "overlay", "-o", layers, root]);
    writeFileSync(join(root, "etc", "hostname"), `${name}\n`);
    writeFileSync(join(root, "etc", "machine-id"), "");
    mkdirSync(join(root, "root", ".ssh"), { recursive: true, mode: 0o700 });
    copyFileSync(`${sshKey}.pub`, join(root, "root", ".ssh", "authorized_keys"));
    const args = [name, root, join(folder, "console.log"), String(LIFE_SECONDS), ...makeCgroups(name)];
    // outlives this process: `down` ends it, or its own time limit
    spawn("/bin/sh", [hostScript, ...args], { detached: true, stdio: "ignore" }).unref();
  }

  async #untilUp(name: string, signal: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + BOOT_MS;
    let said = "";
    while (performance.now() < deadline) {
      try {
        return void (await this.ssh(name, "systemctl is-system-running --wait", {
          timeoutMs: 15_000,
          signal,
        }));
      } catch (error) {
        if (signal?.aborted) throw error;
        said = String(error);
        await delay(LOOK_MS);
      }
    }
    throw new InfraError(
      "LAB_FAILED",
      `${name} did not boot in ${BOOT_MS} ms (${said}): see its console.log`,
    );
  }
}

function spare(role: Host["roles"][number], address: string): Host {
  return { roles: [role], private: address, size: "lab", groups: 2, workers: 1 };
}

/** Returns the checkout that owns the running lab, or undefined if there is none. */
function ownerOfLock(): string | undefined {
  return existsSync(lockOwner) ? readFileSync(lockOwner, "utf8") : undefined;
}

const rootOf = (name: string): string => join(runFolder, name, "root");

function isMounted(path: string): boolean {
  return readFileSync("/proc/self/mounts", "utf8").includes(` ${path} `);
}

/** Returns why the lab cannot run on this machine, with the remedy; undefined if it can. */
async function whyUnfit(): Promise<string | undefined> {
  if (process.platform !== "linux") return "the lab needs Linux";
  if (process.getuid?.() !== 0) return "the lab creates network namespaces and containers: run it as root";
  const line = `for tool in ${NEEDED.join(" ")}; do command -v $tool >/dev/null || echo $tool; done`;
  const { stdout } = await run("/bin/sh", ["-c", line]);
  const missing = stdout.split("\n").filter(Boolean);
  if (missing.length > 0)
    return `the lab needs ${missing.join(", ")}: apt-get install systemd-container mmdebstrap iproute2 openssh-client ansible-core openssl git npm`;
  try {
    makeCgroups("probe");
    await endCgroups("probe");
    return undefined;
  } catch (error) {
    return `the lab needs writable cgroups (${String(error)}): run it outside of a container`;
  }
}
