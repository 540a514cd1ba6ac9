// The shares of the graph hosts in a topology: either one host owns the whole graph, or each of several hosts
// owns some of its partitions, and every partition belongs to exactly one host. A host that should own
// nothing is marked with "none". Plain data; at most 256 partitions.

import { formatShare, parseShare, partitionMappings, type Share } from "../../broker/contract.ts";
import { messageOf } from "../../lib/errors.ts";

/** The value of `partitions` for a graph host that owns nothing. */
export const NOTHING = "none";
/** The share of the whole graph, in the form of `graph serve --partitions`. */
const WHOLE = "0/1";

/** The part of a host that is read here. */
interface Owner {
  readonly roles: readonly string[];
  readonly partitions?: string | undefined;
}
type Hosts = Readonly<Record<string, Owner>>;

/** Returns the share of each graph host in a checked topology; undefined if it owns nothing. */
export function sharesOf(hosts: Hosts): Map<string, Share | undefined> {
  return new Map(
    graphHosts(hosts).map(([name, { partitions = WHOLE }]) => [
      name,
      partitions === NOTHING ? undefined : parseShare(partitions),
    ]),
  );
}

/** Returns the number of partitions of the graph; 1 if it is not divided. */
export function partitionsOf(hosts: Hosts): number {
  return [...sharesOf(hosts).values()].find((share) => share !== undefined)?.of ?? 1;
}

/** Returns the mappings that every nats-server needs, in the form of `encke broker --print-config`. */
export function mappingsOf(hosts: Hosts): string {
  return partitionMappings(partitionsOf(hosts));
}

/** Returns the problems of the shares, each with its remedy. */
export function problemsOfShares(hosts: Hosts): string[] {
  const strangers = Object.entries(hosts)
    .filter(([, { roles, partitions }]) => partitions !== undefined && !roles.includes("graph"))
    .map(([name]) => `hosts.${name}.partitions: only a graph host has partitions`);
  const serving = graphHosts(hosts).filter(([, { partitions }]) => partitions !== NOTHING);
  const whole = serving.filter(([, { partitions }]) => partitions === undefined).map(([name]) => name);
  if (serving.length === 0 && graphHosts(hosts).length > 0)
    return [...strangers, `hosts: every graph host has partitions "${NOTHING}"; give them to one host`];
  if (whole.length === serving.length && whole.length < 2) return strangers;
  if (whole.length > 0)
    return [
      ...strangers,
      `hosts: ${whole.join(", ")} would own the whole graph beside other hosts; give each graph host its "partitions", such as "0-7/16"`,
    ];
  return [...strangers, ...problemsOfDivided(serving)];
}

function problemsOfDivided(serving: readonly (readonly [string, Owner])[]): string[] {
  const problems: string[] = [];
  const shares: (readonly [string, Share])[] = [];
  for (const [name, { partitions = "" }] of serving) {
    try {
      const share = parseShare(partitions);
      if (share.of < 2)
        problems.push(`hosts.${name}.partitions: ${partitions} is the whole graph; leave it out`);
      else shares.push([name, share]);
    } catch (error) {
      problems.push(`hosts.${name}.partitions: ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) return problems;
  const counts = [...new Set(shares.map(([, { of }]) => of))];
  const [of = 0] = counts;
  if (counts.length > 1)
    return [`hosts: graph hosts divide the graph into ${counts.join(" and ")} partitions; use one number`];
  const owners = new Map<number, string>();
  for (const [name, { owned }] of shares) {
    const taken = owned.filter((partition) => owners.has(partition));
    for (const other of new Set(taken.map((partition) => owners.get(partition)))) {
      const shared = taken.filter((partition) => owners.get(partition) === other);
      problems.push(
        `hosts.${name}.partitions: ${formatShare({ owned: shared, of })} already belongs to ${other}; give it to one host`,
      );
    }
    for (const partition of owned) owners.set(partition, name);
  }
  const free = Array.from({ length: of }, (_, partition) => partition).filter((it) => !owners.has(it));
  if (free.length > 0)
    problems.push(`hosts: no host has ${formatShare({ owned: free, of })}; give it to a graph host`);
  return problems;
}

function graphHosts(hosts: Hosts): [string, Owner][] {
  return Object.entries(hosts)
    .filter(([, { roles }]) => roles.includes("graph"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
