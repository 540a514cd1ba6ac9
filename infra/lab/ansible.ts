// Reads the output of ansible-playbook. Pure.

/** The line of one host in a recap. */
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
  /^(\S+)\s+:\s+ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\s+skipped=\d+\s+rescued=(\d+)/gm;

/** Returns the recap at the end of the output of a playbook, by host. */
export function parseRecap(output: string): Record<string, HostRecap> {
  const hosts: Record<string, HostRecap> = {};
  for (const [, name = "", ...counts] of output.matchAll(LINE)) {
    const [ok = 0, changed = 0, unreachable = 0, failed = 0, rescued = 0] = counts.map(Number);
    hosts[name] = { ok, changed, unreachable, failed, rescued };
  }
  return hosts;
}

/** Returns what a playbook did according to its recap; for any other program, only its status and output. */
export function playedOf(status: number, output: string): Played {
  const hosts = parseRecap(output);
  const changed = Object.values(hosts).reduce((sum, host) => sum + host.changed, 0);
  return { status, output, hosts, changed };
}

/** Returns the tasks that failed, each with the output of the host. */
export function failuresOf(output: string): string {
  return tasksWith(output, /^(fatal|failed):/);
}

/** Returns the tasks that changed something. */
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
