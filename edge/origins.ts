// Determines which site sent a request, and what its pages may do here. Browsers report the origin of a page
// and attach the visitor's cookie to its requests. Changes and cookies are therefore accepted only from this
// edge's own pages and from configured sites.
//
// The scheme and host of this edge's own pages are those that the proxy in front reports, if there is one.
// Its headers need no list of trusted proxies: other clients can send them too, but a page of another site
// cannot add a header before the CORS response (cors.ts) has allowed it, and a program that is not a browser
// has no visitor's cookie to abuse.

import type { Context } from "hono";
import { quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import { originOf } from "./http/host.ts";

/** Whether requests may carry the visitor's cookie. */
export type Access = "credentials" | "bare";

const LOOPBACK = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/;
/** Any site, for requests without cookies. */
const ANY = "*";
/** Methods that change nothing. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export interface OriginsConfig {
  /**
   * Sites whose pages may read and publish, in addition to this edge's own; `*` is any site, without cookies.
   */
  readonly corsOrigins: readonly string[];
  /** While reading is anonymous, pages served from loopback, such as one under development, may do so too. */
  readonly anonymous: boolean;
}

export class Origins {
  readonly #named: ReadonlySet<string>;
  readonly #loopback: boolean;

  /** @throws EdgeError BAD_CONFIG for an origin that no page can have */
  constructor({ corsOrigins, anonymous }: OriginsConfig) {
    this.#named = new Set(corsOrigins.map(parseCorsOrigin));
    this.#loopback = anonymous;
  }

  /** Whether pages of other sites may use cookies here. */
  get shareCookies(): boolean {
    return [...this.#named].some((origin) => origin !== ANY);
  }

  /** Returns what pages of a foreign origin may do; undefined if nothing. */
  accessOf(origin: string): Access | undefined {
    if (origin !== ANY && this.#named.has(origin)) return "credentials";
    if (this.#loopback && LOOPBACK.test(origin)) return "credentials";
    return this.#named.has(ANY) ? "bare" : undefined;
  }

  /** Refuses a change that a page of an unlisted site requests. @throws EdgeError FOREIGN_ORIGIN */
  checkChange(c: Context): void {
    if (SAFE.has(c.req.method) || this.#accessOf(c) !== undefined) return;
    throw foreignOrigin(c, "may not change anything");
  }

  /** Refuses a cookie in a request from a page of an unlisted site. @throws EdgeError FOREIGN_ORIGIN */
  checkCookie(c: Context): void {
    if (this.#accessOf(c) === "credentials") return;
    throw foreignOrigin(c, "may not use the visitor's cookie");
  }

  #accessOf(c: Context): Access | undefined {
    const site = c.req.header("Sec-Fetch-Site");
    if (site === "same-origin" || site === "none") return "credentials";
    const origin = c.req.header("Origin");
    if (origin !== undefined) return ownOrigins(c).includes(origin) ? "credentials" : this.accessOf(origin);
    // not a browser, an old browser, or a link that the visitor followed
    const linked = SAFE.has(c.req.method) && c.req.header("Sec-Fetch-Mode") === "navigate";
    return site === undefined || linked ? "credentials" : undefined;
  }
}

/** Returns the scheme that the client used, here or at the proxy in front. */
export function schemeOf(c: Context): "http" | "https" {
  const scheme = firstOf(c, "X-Forwarded-Proto")?.toLowerCase();
  if (scheme === "http" || scheme === "https") return scheme;
  return c.req.url.startsWith("https:") ? "https" : "http";
}

/**
 * Returns the origins that this request's client may know this edge by: from its Host header, and from the
 * proxy's headers.
 */
function ownOrigins(c: Context): readonly (string | undefined)[] {
  const hosts = [c.req.header("Host") ?? hostOf(c.req.url), firstOf(c, "X-Forwarded-Host") ?? ""];
  return hosts.map((host) => originOf(schemeOf(c), host));
}

/**
 * Normalizes a configured origin to the form that browsers send. `*` stays as it is.
 * @throws EdgeError BAD_CONFIG for an origin that no page can have
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
  // apps serve pages under their own schemes (capacitor://localhost); no page comes from the web's other
  // protocols
  if (/^(?:wss?|ftp|file)$/.test(name) || host === "")
    throw refused("can be no page's: name the http or https origin");
  return `${name}://${host}`;
}

/** Returns the first element of a list header, which the proxy nearest to the client added. */
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
