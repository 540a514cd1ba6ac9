// The targets of a flood's streams: paths in one buffer and a table of servers, because a string per stream
// would take several times as much memory as the stream itself.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";

/** A stream identifies its server by a 16-bit number. */
const MAX_SERVERS = 65_536;
/** Initial size of the buffer of paths; it doubles when full. */
const FIRST_PATHS_BYTES = 65_536;

/** The targets: ids that count up, or a list of URLs. Plain data, which is sent between processes. */
export type TargetPlan =
  | {
      readonly kind: "counted";
      /** URL to which an id is appended. */
      readonly base: string;
      readonly firstId: number;
      /** Difference between two ids. */
      readonly step: number;
      readonly count: number;
    }
  | { readonly kind: "listed"; readonly urls: readonly string[] };

export interface TargetServer {
  /** Numeric address. */
  readonly address: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly host: string;
}

export interface Targets {
  readonly servers: readonly TargetServer[];
  /** All paths with their queries, concatenated. */
  readonly paths: Uint8Array;
  /** End of each path. */
  readonly ends: Uint32Array;
  /** Server of each stream. */
  readonly serverOf: Uint16Array;
}

export function countTargets(plan: TargetPlan): number {
  return plan.kind === "counted" ? plan.count : plan.urls.length;
}

/** Returns every `processes`th target, from `index` on. */
export function shareOf(plan: TargetPlan, index: number, processes: number): TargetPlan {
  if (plan.kind === "listed")
    return { ...plan, urls: plan.urls.filter((_, position) => position % processes === index) };
  const { firstId, step, count } = plan;
  return {
    ...plan,
    firstId: firstId + index * step,
    step: step * processes,
    count: Math.ceil(Math.max(0, count - index) / processes),
  };
}

/** Resolves the servers and lays out the paths. @throws CommandError for an invalid URL or an unknown name */
export async function resolveTargets(plan: TargetPlan, family: 0 | 4 | 6): Promise<Targets> {
  const count = countTargets(plan);
  const urls = new Map<string, { readonly index: number; readonly url: URL }>();
  const ends = new Uint32Array(count);
  const serverOf = new Uint16Array(count);
  let paths = Buffer.alloc(FIRST_PATHS_BYTES);
  let bytes = 0;
  const add = (stream: number, path: string): void => {
    if (bytes + path.length > paths.length)
      paths = Buffer.concat([paths, Buffer.alloc(paths.length + path.length)]);
    bytes += paths.write(path, bytes, "latin1");
    ends[stream] = bytes;
  };
  const addServer = (url: URL): number => {
    const known = urls.get(url.host);
    if (known !== undefined) return known.index;
    if (urls.size === MAX_SERVERS)
      throw new CommandError(
        "USAGE",
        `more than ${MAX_SERVERS} servers; the next is ${quote(url.host)}: use fewer`,
      );
    urls.set(url.host, { index: urls.size, url });
    return urls.size - 1;
  };
  if (plan.kind === "counted") {
    const { pathname, search } = httpUrl(plan.base);
    addServer(httpUrl(plan.base));
    for (let stream = 0; stream < count; stream += 1)
      add(stream, `${pathname}${search}${plan.firstId + stream * plan.step}`);
  } else {
    for (const [stream, text] of plan.urls.entries()) {
      const url = httpUrl(text);
      serverOf[stream] = addServer(url);
      add(stream, `${url.pathname}${url.search}`);
    }
  }
  const servers = [...urls.values()].map(({ url }) => resolveServer(url, family));
  return { servers: await Promise.all(servers), paths: paths.subarray(0, bytes), ends, serverOf };
}

/** Returns a stream's path, for messages. */
export function pathOf({ paths, ends }: Targets, stream: number): string {
  const from = stream === 0 ? 0 : (ends[stream - 1] as number);
  return Buffer.from(paths.subarray(from, ends[stream])).toString("latin1");
}

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:") return url;
  throw new CommandError("USAGE", `${quote(text)} is not an http:// address`);
}

async function resolveServer(url: URL, family: 0 | 4 | 6): Promise<TargetServer> {
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const [port, host] = [Number(url.port || 80), url.host];
  if (isIP(name) !== 0) return { address: name, port, host };
  try {
    const { address } = await lookup(name, { family, order: "ipv4first" });
    return { address, port, host };
  } catch (cause) {
    throw new CommandError("USAGE", `${quote(name)} has no known address: check the URL`, { cause });
  }
}
