// Playbooks, run as an operator runs them, inside the lab's network; and what their recap says.

import { join } from "node:path";
import { InfraError } from "../errors.ts";
import type { Lab } from "./lab.ts";
import { ansibleFolder, state } from "./places.ts";

const PLAYBOOK_MS = 600_000;

/** One host's line of a recap. */
export interface HostRecap {
  readonly ok: number;
  readonly changed: number;
  readonly unreachable: number;
  readonly failed: number;
  readonly rescued: number;
}

export interface Played {
  readonly status: number;
  readonly output: string;
  readonly hosts: Readonly<Record<string, HostRecap>>;
  readonly changed: number;
}

const LINE =
  /^(\S+)\s+:\s+ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=\d+\s+rescued=(\d+)/;

/** The recap at the end of a playbook's output. */
export function parseRecap(output: string): Record<string, HostRecap> {
  const lines = output.split("\n").flatMap((line) => LINE.exec(line) ?? []);
  const hosts: Record<string, HostRecap> = {};
  for (let at = 0; at + 6 < lines.length; at += 7) {
    const [, name = "", ok, changed, unreachable, failed, rescued] = lines.slice(at, at + 7);
    hosts[name] = {
      ok: Number(ok),
      changed: Number(changed),
      unreachable: Number(unreachable),
      failed: Number(failed),
      rescued: Number(rescued),
    };
  }
  return hosts;
}

export interface PlayOptions {
  readonly args?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** That it fails is what is asked for. */
  readonly mayFail?: boolean;
}

/** @throws InfraError LAB_FAILED with the failed tasks where it fails and may not */
export async function play(lab: Lab, playbook: string, options: PlayOptions = {}): Promise<Played> {
  const { args = [], signal, mayFail = false } = options;
  const secrets = ["--vault-password-file", join(state, "vault-password")];
  const { status, stdout, stderr } = await lab.runInside(
    "ansible-playbook",
    ["-i", join(state, "inventory.json"), ...secrets, playbook, ...args],
    {
      cwd: ansibleFolder,
      env: { ANSIBLE_FORCE_COLOR: "0", ANSIBLE_NOCOLOR: "1" },
      timeoutMs: PLAYBOOK_MS,
      signal,
      accept: [1, 2, 3, 4],
    },
  );
  const hosts = parseRecap(stdout);
  const changed = Object.values(hosts).reduce((sum, host) => sum + host.changed, 0);
  if (status === 0 || mayFail) return { status, output: stdout, hosts, changed };
  throw new InfraError("LAB_FAILED", `${playbook} ended with ${status}:\n${failuresOf(stdout)}${stderr}`);
}

/** The failed tasks, and the tasks that changed something. */
export function failuresOf(output: string): string {
  return tasksWith(output, /^(fatal|failed):/);
}

export function changesOf(output: string): string {
  return tasksWith(output, /^changed:/);
}

function tasksWith(output: string, pattern: RegExp): string {
  let task = "";
  const found: string[] = [];
  for (const line of output.split("\n")) {
    if (line.startsWith("TASK") || line.startsWith("RUNNING HANDLER")) task = line.replace(/\*+$/, "");
    else if (pattern.test(line)) found.push(`${task}\n  ${line.slice(0, 1_500)}`);
  }
  return found.join("\n");
}
