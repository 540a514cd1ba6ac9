// Who owns which partitions of the graph, as a topology says it: one host the whole of it, or each of several its share,
// every partition exactly one of them. A host that shall own nothing (any more) says so. Plain data; at most
// 256 partitions.

import { formatShare, parseShare, partitionMappings, type Share } from "../../broker/contract.ts";
import { messageOf } from "../../lib/errors.ts";

/** What an emptied graph host's `partitions` says. */
export const NOTHING = "none";
/** The one graph that is not divided, in the form of `graph serve --partitions`. */
const WHOLE = "0/1";

/** What of a host is looked at here. */
interface Owner {
  readonly roles: readonly string[];
  readonly partitions?: string | undefined;
}
type Hosts = Readonly<Record<string, Owner>>;

/** Each graph host's share, by its name; undefined for one that owns nothing. The topology keeps the rules. */
export function sharesOf(hosts: Hosts): Map<string, Share | undefined> {
  return new Map(
    graphHosts(hosts).map(([name, { partitions = WHOLE }]) => [
      name,
      partitions === NOTHING ? undefined : parseShare(partitions),
    ]),
  );
}

/** Into how many partitions the graph is divided; 1 where it is not. */
export function partitionsOf(hosts: Hosts): number {
  return [...sharesOf(hosts).values()].find((share) => share !== undefined)?.of ?? 1;
}

/** The mappings that every nats-server needs for that, as `encke broker --print-config` prints them. */
export function mappingsOf(hosts: Hosts): string {
  return partitionMappings(partitionsOf(hosts));
}

/** What is wrong with the shares, each with the remedy. */
export function problemsOfShares(hosts: Hosts): string[] {
  const strangers = Object.entries(hosts)
    .filter(([, { roles, partitions }]) => partitions !== undefined && !roles.includes("graph"))
    .map(([name]) => `hosts.${name}.partitions: only a graph host has some`);
  const serving = graphHosts(hosts).filter(([, { partitions }]) => partitions !== NOTHING);
  const whole = serving.filter(([, { partitions }]) => partitions === undefined).map(([name]) => name);
  if (serving.length === 0 && graphHosts(hosts).length > 0)
    return [...strangers, `hosts: every graph host's partitions are "${NOTHING}"; give them to one`];
  if (whole.length === serving.length && whole.length < 2) return strangers;
  if (whole.length > 0)
    return [
      ...strangers,
      `hosts: ${whole.join(", ")} would own the whole graph beside others; give each graph host its "partitions", as "0-7/16"`,
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
        problems.push(`hosts.${name}.partitions: ${partitions} is the whole graph; leave it away`);
      else shares.push([name, share]);
    } catch (error) {
      problems.push(`hosts.${name}.partitions: ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) return problems;
  const counts = [...new Set(shares.map(([, { of }]) => of))];
  const [of = 0] = counts;
  if (counts.length > 1)
    return [`hosts: graph hosts count ${counts.join(" and ")} partitions; all must name one count`];
  const owners = new Map<number, string>();
  for (const [name, { owned }] of shares) {
    const taken = owned.filter((partition) => owners.has(partition));
    for (const other of new Set(taken.map((partition) => owners.get(partition)))) {
      const shared = taken.filter((partition) => owners.get(partition) === other);
      problems.push(
        `hosts.${name}.partitions: ${formatShare({ owned: shared, of })} is ${other}'s already; leave it to one`,
      );
    }
    for (const partition of owned) owners.set(partition, name);
  }
  const free = Array.from({ length: of }, (_, partition) => partition).filter((it) => !owners.has(it));
  if (free.length > 0)
    problems.push(`hosts: ${formatShare({ owned: free, of })} is nobody's; give it to a graph host`);
  return problems;
}

function graphHosts(hosts: Hosts): [string, Owner][] {
  return Object.entries(hosts)
    .filter(([, { roles }]) => roles.includes("graph"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
