// Reads and checks the topology file, which describes a deployment: its hosts, with the roles, private
// address and size of each. Terraform reads the same file (terraform/modules/topology) and checks the same
// rules. Plain data; at most 1,000 hosts.

import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { InfraError } from "../errors.ts";
import { problemsOfShares } from "./shares.ts";

export const ROLES = ["gateway", "nats", "graph", "observe"] as const;
export type Role = (typeof ROLES)[number];

const MAX_HOSTS = 1_000;
/** One admin port per group; the ports 9181 to 9188 are free for them. */
const MAX_GROUPS = 8;
/** A NATS cluster decides by majority. */
const NATS_SIZES = [1, 3, 5];

const label = z.string().regex(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/, {
  error: "expected a lower-case host label of at most 32 characters",
});
const domain = z.string().regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/, {
  error: "expected a domain name in lower case",
});
const address = z.string().refine(isIPv4, { error: "expected an IPv4 address" });
const cidr = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, { error: "expected a network, such as 10.0.0.0/24" });

export interface Host {
  readonly roles: readonly Role[];
  /** Address in the private network. */
  readonly private: string;
  readonly size: string;
  /** Number of worker groups of a gateway. Each is a service that is drained separately. */
  readonly groups: number;
  /** Number of worker processes per group. */
  readonly workers: number;
  /** Share of the topics of a graph host, `0-7/16`. Absent means the whole graph, `none` means no topics. */
  readonly partitions?: string | undefined;
  /** Proxmox node of the machine, if there is more than one. */
  readonly node?: string | undefined;
}

export interface Size {
  readonly cores: number;
  readonly memoryGb: number;
  /** Machine type at Hetzner Cloud. */
  readonly hcloud?: string | undefined;
}

export interface Topology {
  readonly name: string;
  /** Domain of the site; DNS resolves it to the gateways. */
  readonly domain: string;
  readonly network: string;
  readonly sizes: Readonly<Record<string, Size>>;
  readonly hosts: Readonly<Record<string, Host>>;
}

const size: z.ZodType<Size> = z.strictObject({
  cores: z.int().min(1).max(256),
  memoryGb: z.int().min(1).max(4_096),
  hcloud: z.string().optional(),
});

const host: z.ZodType<Host> = z.strictObject({
  roles: z.array(z.enum(ROLES)).min(1),
  private: address,
  size: z.string(),
  groups: z.int().min(2).max(MAX_GROUPS).default(2),
  workers: z.int().min(1).max(1_024).default(1),
  partitions: z.string().optional(),
  node: label.optional(),
});

const schema: z.ZodType<Topology> = z.strictObject({
  name: label,
  domain,
  network: cidr,
  sizes: z.record(label, size),
  hosts: z.record(label, host),
});

/** @throws InfraError BAD_TOPOLOGY that lists every problem */
export function parseTopology(value: unknown): Topology {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw wrong(parsed.error.issues.map(describeIssue));
  const problems = problemsOf(parsed.data);
  if (problems.length > 0) throw wrong(problems);
  return parsed.data;
}

/** @throws InfraError BAD_TOPOLOGY, also if the file cannot be read or is not JSON */
export function readTopology(path: string): Topology {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new InfraError("BAD_TOPOLOGY", `${path}: ${messageOf(cause)}: name a topology file`, { cause });
  }
  return parseTopology(value);
}

/** Returns the names of the hosts with a role, sorted. */
export function hostsWith(topology: Topology, role: Role): string[] {
  return Object.keys(topology.hosts)
    .filter((name) => topology.hosts[name]?.roles.includes(role))
    .sort();
}

function problemsOf(topology: Topology): string[] {
  const hosts = Object.entries(topology.hosts);
  const count = (role: Role): number => hostsWith(topology, role).length;
  const seen = new Map<string, string>();
  const problems = hosts.flatMap(([name, { private: at, size, roles }]) => {
    const other = seen.get(at);
    seen.set(at, name);
    return [
      other === undefined ? "" : `hosts.${name}.private: ${at} is already the address of ${other}`,
      contains(topology.network, at) ? "" : `hosts.${name}.private: ${at} is outside of ${topology.network}`,
      size in topology.sizes ? "" : `hosts.${name}.size: there is no size ${size}`,
      new Set(roles).size === roles.length ? "" : `hosts.${name}.roles: a role is listed twice`,
    ];
  });
  const rules: readonly (readonly [boolean, string])[] = [
    [hosts.length <= MAX_HOSTS, `hosts: at most ${MAX_HOSTS}`],
    [count("gateway") >= 1, "hosts: there is no gateway"],
    [NATS_SIZES.includes(count("nats")), `hosts: ${count("nats")} NATS nodes; use 1, 3 or 5`],
    [count("graph") >= 1, "hosts: there is no graph host"],
    [count("observe") <= 1, "hosts: at most one host may have the role observe"],
  ];
  return [
    ...problems,
    ...rules.map(([holds, text]) => (holds ? "" : text)),
    ...problemsOfShares(topology.hosts),
  ].filter((text) => text !== "");
}

/** Reports whether an IPv4 network contains an address. */
export function contains(network: string, address: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  const length = Number(bits);
  if (!isIPv4(base) || !isIPv4(address) || length > 32) return false;
  const block = 2 ** (32 - length);
  return Math.floor(numberOf(base) / block) === Math.floor(numberOf(address) / block);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** For an invalid key, takes the message about the key itself. */
function describeIssue(issue: z.core.$ZodIssue): string {
  const inner = issue.code === "invalid_key" ? issue.issues[0]?.message : undefined;
  return `${issue.path.join(".")}: ${inner ?? issue.message}`;
}

function wrong(problems: readonly string[]): InfraError {
  return new InfraError("BAD_TOPOLOGY", `${problems.join("; ")}: correct the topology file`);
}
