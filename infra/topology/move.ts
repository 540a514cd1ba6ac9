// Plans how partitions of the graph move between hosts: which hosts take part, whether an interrupted move is
// continued, and what forbids it. repartition.yml collects what each host reports, and calls this through
// `plan-move`. Pure.

import { z } from "zod";
import { parseShare, type Share } from "../../broker/contract.ts";
import { InfraError } from "../errors.ts";

/** What a host reports if it holds no partition, and the share of an emptied host in the inventory. */
const NOTHING = "nothing";

export interface HostReport {
  /** Share that the folder of the host holds, `0-7/16`. */
  readonly held: string;
  /** Share that the inventory gives to the host. */
  readonly wanted: string;
  /** Marks of an interrupted move: the move built by this host, and the one built by all hosts. */
  readonly left: { readonly built: string; readonly decided: string };
  /** Name of the current release, "" on a host without one. */
  readonly release: string;
}

const schema: z.ZodType<Readonly<Record<string, HostReport>>> = z.record(
  z.string(),
  z.strictObject({
    held: z.string(),
    wanted: z.string(),
    left: z.strictObject({ built: z.string(), decided: z.string() }),
    release: z.string(),
  }),
);

export interface HostPlan {
  /** `export`: build a new folder from exports; `finish`: only swap the folders; `stay`: keep serving. */
  readonly part: "export" | "finish" | "stay";
  /** Tells the operator what the host holds, should hold, and does. */
  readonly text: string;
}

export interface MovePlan {
  /** Identifies the move in the marks that it leaves on the hosts. */
  readonly move: string;
  readonly hosts: Readonly<Record<string, HostPlan>>;
  /** Hosts that export what they hold. */
  readonly sources: readonly string[];
  /** The release for hosts that have none. */
  readonly release: string;
  /** Why nothing can be moved, each reason with its remedy; empty if the move is possible. */
  readonly problems: readonly string[];
}

/** @throws InfraError USAGE if the value is not a report per host */
export function parseReports(value: unknown): Readonly<Record<string, HostReport>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InfraError("USAGE", `expected a report per graph host: ${z.prettifyError(parsed.error)}`);
}

/**
 * Plans the move that leads from what hosts hold to what the inventory wants. A move that was decided (all
 * new folders were complete) and then interrupted is finished first.
 * @param at identifies the move if it is a new one
 */
export function planMove(reports: Readonly<Record<string, HostReport>>, at: string): MovePlan {
  const hosts = Object.entries(reports).sort(([a], [b]) => (a < b ? -1 : 1));
  const built = new Set(hosts.map(([, { left }]) => left.built));
  const resumed = hosts.map(([, { left }]) => left.decided).find((move) => move !== "" && built.has(move));
  const move = resumed ?? at;
  const takesPart = ({ held, wanted, left }: HostReport): boolean =>
    held !== wanted || (resumed !== undefined && left.decided === move);
  const partOf = (host: HostReport): HostPlan["part"] => {
    if (!takesPart(host)) return "stay";
    return resumed === undefined ? "export" : "finish";
  };
  return {
    move,
    hosts: Object.fromEntries(
      hosts.map(([name, host]) => [name, { part: partOf(host), text: textOf(host, partOf(host), move) }]),
    ),
    sources: hosts
      .filter(([, host]) => partOf(host) === "export" && host.held !== NOTHING)
      .map(([name]) => name),
    release: hosts.map(([, host]) => host.release).find((release) => release !== "") ?? "",
    problems: !hosts.some(([, host]) => takesPart(host))
      ? []
      : resumed === undefined
        ? problemsOfHeld(hosts)
        : hosts.filter(([, host]) => !canFinish(host, move)).map(([name]) => unfinished(name, move)),
  };
}

function textOf({ held, wanted }: HostReport, part: HostPlan["part"], move: string): string {
  const parts = { stay: "", export: ": takes part", finish: `: finishes the interrupted move ${move}` };
  return `holds ${held}, should hold ${wanted}${parts[part]}`;
}

function canFinish({ held, wanted, left }: HostReport, move: string): boolean {
  return held === wanted || wanted === NOTHING || left.built === move;
}

function unfinished(name: string, move: string): string {
  return `the move ${move} was interrupted and has nothing for ${name}: restore the earlier topology, finish that move, then change the topology`;
}

/** Returns the problems of the partitions that hosts hold: a new move needs each of them exactly once. */
function problemsOfHeld(hosts: readonly (readonly [string, HostReport])[]): string[] {
  const problems: string[] = [];
  const shares: (readonly [string, Share])[] = [];
  for (const [name, { held }] of hosts) {
    if (held === NOTHING) continue;
    try {
      shares.push([name, parseShare(held)]);
    } catch {
      problems.push(`${name} holds ${held}, which is not a share of a graph: check its folder`);
    }
  }
  if (problems.length > 0) return problems;
  const [of, ...others] = new Set(shares.map(([, share]) => share.of));
  if (of === undefined)
    return [
      "no host of the inventory holds a graph, so there is nothing to move: run site.yml to create one",
    ];
  if (others.length > 0)
    return [`hosts hold shares of ${[of, ...others].join(" and ")} partitions, which are different graphs`];
  for (let partition = 0; partition < of; partition += 1) {
    const holders = shares.filter(([, { owned }]) => owned.includes(partition)).map(([name]) => name);
    if (holders.length > 1)
      problems.push(`${holders.join(" and ")} hold partition ${partition}: remove one of the folders`);
    if (holders.length === 0)
      problems.push(
        `no host of the inventory holds partition ${partition} of ${of}: if a host that holds it was removed from the topology, add it again with "partitions": "none"`,
      );
  }
  return problems;
}
