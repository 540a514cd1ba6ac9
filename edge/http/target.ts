// Normalizes what a request asks for: a path in `url`, and one valid Host (RFC 9112, sections 3.2 and 3.3).
// Hono's adapter accepts fewer hosts than the RFC allows and replies to the others without a body, so they
// are checked here first.

import type { IncomingMessage } from "node:http";
import { quote } from "../../lib/errors.ts";
import { isHost } from "./host.ts";
import type { Refusal } from "./refusal.ts";

/**
 * Used in URLs if a request names no authority, or one that a URL cannot have. No page can have this origin
 * (RFC 6761, section 6.4).
 */
const NO_HOST = "host.invalid";
/** Hosts that can appear in a URL unchanged. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::\d{2,5})?$/;
/** A target in absolute form, which clients send to proxies. Servers must accept it too. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

/**
 * Rewrites a request's target to origin form and its Host to `headers.host`. Returns why that is impossible,
 * or undefined. The target of OPTIONS may also remain `*`.
 */
export function settleTarget(incoming: IncomingMessage): Refusal | undefined {
  const { rawHeaders, method } = incoming;
  const places = hostPlaces(rawHeaders);
  const hosts = places.map((place) => rawHeaders[place + 1] ?? "");
  if (hosts.length > 1) return badHost(`${hosts.length} Host headers (${quote(hosts.join(", "))}): send one`);
  if (hosts.length === 0 && incoming.httpVersionMinor > 0)
    return badHost("HTTP/1.1 needs a Host header: send one, such as `Host: localhost`");
  let [host = ""] = hosts;
  if (!isHost(host))
    return badHost(`Host ${quote(host)}: expected a host and optionally a port, such as localhost:8080`);

  const [whole, authority, path = ""] = ABSOLUTE.exec(incoming.url ?? "") ?? [];
  if (whole !== undefined) {
    if (!authority || !isHost(authority)) return badTarget(incoming);
    // the target's host takes precedence over the header
    host = authority;
    if (places[0] === undefined) rawHeaders.push("Host", host);
    else rawHeaders[places[0] + 1] = host;
    const all = method === "OPTIONS" ? "*" : "/";
    incoming.url = path === "" ? all : path.startsWith("/") ? path : `/${path}`;
  }
  incoming.headers.host = urlHostOf(host);
  if (incoming.url?.startsWith("/") || (incoming.url === "*" && method === "OPTIONS")) return undefined;
  return badTarget(incoming);
}

/** Returns where the lines of a header begin in a list of alternating names and values. */
function hostPlaces(rawHeaders: readonly string[]): number[] {
  const places: number[] = [];
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") places.push(place);
  }
  return places;
}

function urlHostOf(host: string): string {
  if (PLAIN_HOST.test(host)) return host;
  return host !== "" && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).host : NO_HOST;
}

function badHost(message: string): Refusal {
  return { status: 400, error: "BAD_HOST", message };
}

function badTarget({ url, method }: IncomingMessage): Refusal {
  return {
    status: 400,
    error: "BAD_TARGET",
    message: `${method} ${quote(url)}: expected a path, or an http or https URL with a host`,
  };
}
