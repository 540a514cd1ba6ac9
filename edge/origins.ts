// Where the page that sent a request is from, and what it may do here. Browsers say where a page is from, and send its
// visitor's cookie along; so a change, and a cookie, count only from our own pages and from sites that were named.
//
// The scheme and host of our own pages are what the proxy in front says, if there is one. Its headers need no list of
// trusted proxies: other clients may write them too, but a page of another site cannot add a header to a request before
// our CORS reply (cors.ts) has allowed that header, and a program that is no browser has no visitor to deceive.

import type { Context } from "hono";
import { quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import { originOf } from "./http/host.ts";

/** With the visitor's cookie, or without one. */
export type Access = "credentials" | "bare";

const LOOPBACK = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/;
/** Any site, for what needs no cookie. */
const ANY = "*";
/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export interface OriginsConfig {
  /** Sites whose pages may read and publish, beside our own; `*` is any, without cookies. */
  readonly corsOrigins: readonly string[];
  /** While reading is anonymous, pages of this very machine may too, such as the one that a developer is writing. */
  readonly anonymous: boolean;
}

export class Origins {
  readonly #named: ReadonlySet<string>;
  readonly #loopback: boolean;

  /** @throws EdgeError BAD_CONFIG for a site that no page can be from */
  constructor({ corsOrigins, anonymous }: OriginsConfig) {
    this.#named = new Set(corsOrigins.map(parseCorsOrigin));
    this.#loopback = anonymous;
  }

  /** Whether pages of other sites may use cookies here. */
  get shareCookies(): boolean {
    return [...this.#named].some((origin) => origin !== ANY);
  }

  /** What pages of an origin other than our own may do; undefined for nothing. */
  accessOf(origin: string): Access | undefined {
    if (origin !== ANY && this.#named.has(origin)) return "credentials";
    if (this.#loopback && LOOPBACK.test(origin)) return "credentials";
    return this.#named.has(ANY) ? "bare" : undefined;
  }

  /** Refuses a change that the page of an unnamed site asks for. @throws EdgeError FOREIGN_ORIGIN */
  checkChange(c: Context): void {
    if (SAFE.has(c.req.method) || this.#accessOf(c) !== undefined) return;
    throw foreignOrigin(c, "may not change anything");
  }

  /** Refuses a cookie that came with a request of such a page. @throws EdgeError FOREIGN_ORIGIN */
  checkCookie(c: Context): void {
    if (this.#accessOf(c) === "credentials") return;
    throw foreignOrigin(c, "may not use the visitor's cookie");
  }

  #accessOf(c: Context): Access | undefined {
    const site = c.req.header("Sec-Fetch-Site");
    if (site === "same-origin" || site === "none") return "credentials";
    const origin = c.req.header("Origin");
    if (origin !== undefined) return ownOrigins(c).includes(origin) ? "credentials" : this.accessOf(origin);
    // no browser, an old one, or a link that the visitor followed
    const linked = SAFE.has(c.req.method) && c.req.header("Sec-Fetch-Mode") === "navigate";
    return site === undefined || linked ? "credentials" : undefined;
  }
}

/** The scheme that the client used, here or at the proxy in front. */
export function schemeOf(c: Context): "http" | "https" {
  const scheme = firstOf(c, "X-Forwarded-Proto")?.toLowerCase();
  if (scheme === "http" || scheme === "https") return scheme;
  return c.req.url.startsWith("https:") ? "https" : "http";
}

/** The origins of our own pages as the client of this request may know them: by its Host, and by what the proxy says of it. */
function ownOrigins(c: Context): readonly (string | undefined)[] {
  const hosts = [c.req.header("Host") ?? hostOf(c.req.url), firstOf(c, "X-Forwarded-Host") ?? ""];
  return hosts.map((host) => originOf(schemeOf(c), host));
}

/**
 * An origin as browsers write it, from what an operator wrote. `*` stays.
 * @throws EdgeError BAD_CONFIG for what no page can be from
 */
export function parseCorsOrigin(given: string): string {
  const refused = (why: string): EdgeError =>
    new EdgeError("BAD_CONFIG", `origin ${quote(given)} ${why}, such as https://app.example`);
  if (given === ANY) return given;
  const [, scheme = "", host = "", rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(given) ?? [];
  if (given.toLowerCase() === "null")
    throw refused(
      "is sent by sandboxed pages of any site: serve the page from a site of its own and name that",
    );
  if (scheme === "") throw refused("has no scheme: name scheme and host");
  if (rest !== "" && rest !== "/")
    throw refused("has a path, which origins never have: name scheme and host");
  const name = scheme.toLowerCase();
  if (name === "http" || name === "https") {
    const url = `${name}://${host}`;
    if (/[*@\\]/.test(host) || !URL.canParse(url))
      throw refused("has no plain host and port: name each site in full");
    return new URL(url).origin;
  }
  // apps show pages under schemes of their own (capacitor://localhost); no page comes from the web's other protocols
  if (/^(?:wss?|ftp|file)$/.test(name) || host === "")
    throw refused("can be no page's: name the http or https origin");
  return `${name}://${host}`;
}

/** The first element of a header that is a list: what the proxy nearest to the client said. */
function firstOf(c: Context, name: string): string | undefined {
  return c.req
    .header(name)
    ?.split(",")
    .map((element) => element.trim())
    .find((element) => element !== "");
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

function foreignOrigin(c: Context, may: string): EdgeError {
  const origin = c.req.header("Origin");
  const whose = origin === undefined ? "another site" : quote(origin);
  const here = ownOrigins(c).find((own) => own !== undefined) ?? "an unnamed host";
  return new EdgeError(
    "FOREIGN_ORIGIN",
    `pages of ${whose} ${may}, on ${here}: name that site with --cors-origin, or if it is this one, let the proxy ` +
      "in front pass on Host and X-Forwarded-Proto",
  );
}
