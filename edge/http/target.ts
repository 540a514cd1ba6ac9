// What a request asks for, in one form: a path in `url`, and one valid Host (RFC 9112, 3.2 and 3.3). Hono's adaptor
// takes fewer hosts than the RFC allows, and replies to the others without a body; so they are decided here, before it.

import type { IncomingMessage } from "node:http";
import { quote } from "../../lib/errors.ts";
import { isHost } from "./host.ts";
import type { Refusal } from "./refusal.ts";

/** The authority of URLs where a request names none, or one that no URL can have. No page can be from there (RFC 6761, 6.4). */
const NO_HOST = "host.invalid";
/** Hosts that a URL takes as they are. */
const PLAIN_HOST = /^[a-z0-9._-]+(?::\d{2,5})?$/;
/** A target in absolute form, as clients send it to proxies; servers must take it too. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

/**
 * Brings a request's target into origin form and its Host into `headers.host`. Returns why that is impossible. Of
 * OPTIONS the target may also stay `*`.
 */
export function settleTarget(incoming: IncomingMessage): Refusal | undefined {
  const { rawHeaders, method } = incoming;
  const places = hostPlaces(rawHeaders);
  const hosts = places.map((place) => rawHeaders[place + 1] ?? "");
  if (hosts.length > 1) return badHost(`${hosts.length} Host headers (${quote(hosts.join(", "))}): send one`);
  if (hosts.length === 0 && incoming.httpVersionMinor > 0)
    return badHost("HTTP/1.1 needs a Host header: send one, such as `Host: localhost`");
  let [host = ""] = hosts;
  if (!isHost(host)) return badHost(`Host ${quote(host)}: expected a host and maybe a port, localhost:8080`);

  const [whole, authority, path = ""] = ABSOLUTE.exec(incoming.url ?? "") ?? [];
  if (whole !== undefined) {
    if (!authority || !isHost(authority)) return badTarget(incoming);
    // the target's host counts, whatever the header says
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

/** Where the header lines of a name begin in a list of names and values. */
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
