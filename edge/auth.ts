// Authenticates requests. A user presents an HS256 JWT whose `sub` is the user id, either as a bearer token
// or in the cookie that POST /session made from one, since EventSource cannot send headers. Anonymous reading
// is meant for trying Encke out on one machine; anywhere else it must be enabled explicitly.

import type { Context } from "hono";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { isUserId, parseUserId, type UserId } from "../broker/contract.ts";
import { messageOf, quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import type { Origins } from "./origins.ts";

export const SESSION_COOKIE = "encke_session";

/** RFC 7518, section 3.2: the key of an HMAC is at least as long as its hash. */
const MIN_KEY_BYTES = 32;
const ALGORITHM = "HS256";
/** Allowed difference between the clocks of two machines, in seconds. */
const CLOCK_TOLERANCE_S = 5;
/**
 * The last instant that a Date can represent, in the year 275760. Tokens that expire later are treated as
 * expiring then.
 */
const MAX_TIME_MS = 8_640_000_000_000_000;
/**
 * Maximum number of session cookies tried per request. Two edges on one host receive each other's cookies,
 * because cookies ignore ports.
 */
const MAX_COOKIES = 4;

export interface Principal {
  /** The user that the token names; undefined for an anonymous reader, who may read every user's stream. */
  readonly user: UserId | undefined;
  readonly expiresAtMs: number | undefined;
}

export interface AuthConfig {
  /** Shared secret that signs users' tokens. */
  readonly key: string | undefined;
  readonly anonymous: boolean;
  /** Decides which sites' pages may use a session cookie. */
  readonly origins: Origins;
}

export class Auth {
  readonly #key: Uint8Array | undefined;
  readonly #anonymous: boolean;
  readonly #origins: Origins;

  /** @throws EdgeError BAD_CONFIG for a key that is too short */
  constructor({ key, anonymous, origins }: AuthConfig) {
    this.#key = key === undefined ? undefined : keyBytes(key);
    this.#anonymous = anonymous;
    this.#origins = origins;
  }

  /** @throws EdgeError TOKEN_MISSING, TOKEN_INVALID, FOREIGN_ORIGIN */
  async reader(c: Context): Promise<Principal> {
    const token = bearerToken(c);
    if (token !== undefined) return this.verify(token);
    // without a key, a cookie can only come from another Encke on this host, so it is ignored
    const cookies = this.#key === undefined ? [] : sessionCookies(c);
    if (cookies.length > 0) {
      this.#origins.checkCookie(c);
      return this.#firstValid(cookies);
    }
    if (this.#anonymous) return { user: undefined, expiresAtMs: undefined };
    throw new EdgeError(
      "TOKEN_MISSING",
      "a token is needed: send `Authorization: Bearer …` (make one with `encke token`)",
    );
  }

  /** @throws EdgeError TOKEN_INVALID */
  async verify(token: string): Promise<Principal> {
    if (this.#key === undefined) {
      throw new EdgeError(
        "TOKEN_INVALID",
        "this edge has no key to check tokens with: set ENCKE_JWT_KEY, or send no token",
      );
    }
    let claims: JWTPayload;
    try {
      claims = (
        await jwtVerify(token, this.#key, { algorithms: [ALGORITHM], clockTolerance: CLOCK_TOLERANCE_S })
      ).payload;
    } catch (cause) {
      const why = cause instanceof errors.JWTExpired ? "it has expired" : messageOf(cause);
      throw new EdgeError("TOKEN_INVALID", `the token is not accepted (${why}): sign in again`, { cause });
    }
    const { exp } = claims;
    return {
      user: userOf(claims),
      expiresAtMs: exp === undefined ? undefined : Math.min(exp * 1000, MAX_TIME_MS),
    };
  }

  /**
   * Returns the principal of the first valid token. @throws EdgeError TOKEN_INVALID with the reason for the
   * first token, if none is valid
   */
  async #firstValid(tokens: readonly string[]): Promise<Principal> {
    let problem: unknown;
    for (const token of tokens) {
      try {
        return await this.verify(token);
      } catch (error) {
        problem ??= error;
      }
    }
    throw problem;
  }
}

/** Returns the user that a token names. Claims can be any JSON value, whatever the types of jose promise. */
function userOf({ sub }: { readonly sub?: unknown }): UserId {
  if (typeof sub === "string" && isUserId(sub)) return sub;
  const given = sub === undefined ? "missing" : quote(typeof sub === "string" ? sub : JSON.stringify(sub));
  throw new EdgeError(
    "TOKEN_INVALID",
    `the token's claim "sub" must be a user id as text, it is ${given}: make one with \`encke token --sub USER\``,
  );
}

/**
 * Checks that a principal may read the streams of these users: all of them if it is anonymous, otherwise only
 * its own.
 * @throws EdgeError NOT_YOURS
 */
export function authorize(reader: Principal, users: readonly UserId[]): void {
  const foreign = reader.user === undefined ? undefined : users.find((user) => user !== reader.user);
  if (foreign !== undefined)
    throw new EdgeError("NOT_YOURS", `you are ${reader.user}, not ${foreign}: read your own stream`);
}

/** Signs a token for a user that expires after `ttlMs`. @throws BrokerError BAD_USER; EdgeError BAD_CONFIG */
export async function signToken(key: string, user: string, ttlMs: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(parseUserId(user))
    .setIssuedAt(now)
    .setExpirationTime(now + Math.ceil(ttlMs / 1000))
    .sign(keyBytes(key));
}

export function bearerToken(c: Context): string | undefined {
  return /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
}

/**
 * Returns the session cookies of a request in order, at most MAX_COOKIES. The first may be stale or belong to
 * another edge.
 */
function sessionCookies(c: Context): readonly string[] {
  const name = `${SESSION_COOKIE}=`;
  return (c.req.header("Cookie") ?? "")
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(name) && cookie.length > name.length)
    .slice(0, MAX_COOKIES)
    .map((cookie) => cookie.slice(name.length));
}

function keyBytes(key: string): Uint8Array {
  const bytes = new TextEncoder().encode(key);
  if (bytes.length >= MIN_KEY_BYTES) return bytes;
  throw new EdgeError(
    "BAD_CONFIG",
    `ENCKE_JWT_KEY has ${bytes.length} bytes, HS256 needs ${MIN_KEY_BYTES}: make one with \`openssl rand -base64 48\``,
  );
}
