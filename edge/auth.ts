// Who is reading. Users carry an HS256 JWT whose `sub` is their user id: as a bearer token, or as the cookie that
// POST /session made of one (EventSource cannot send headers). Anonymous reading is for the first afternoon on one
// machine, or for who says so in so many words.

import type { Context } from "hono";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { isUserId, parseUserId, type UserId } from "../broker/contract.ts";
import { messageOf, quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import type { Origins } from "./origins.ts";

export const SESSION_COOKIE = "encke_session";

/** RFC 7518, 3.2: an HMAC key is at least as long as its hash. */
const MIN_KEY_BYTES = 32;
const ALGORITHM = "HS256";
/** Clocks of two machines may differ by so many seconds. */
const CLOCK_TOLERANCE_S = 5;
/** The last instant that a Date holds, in 275,760: a token that is valid for longer is practically valid for ever. */
const MAX_TIME_MS = 8_640_000_000_000_000;
/** Session cookies of one request that are tried. Two Enckes on one host see each other's, whatever their ports. */
const MAX_COOKIES = 4;

export interface Principal {
  /** Whose token it was; undefined for an anonymous reader, who may read anybody. */
  readonly user: UserId | undefined;
  readonly expiresAtMs: number | undefined;
}

export interface AuthConfig {
  /** Shared secret that signs users' tokens. */
  readonly key: string | undefined;
  readonly anonymous: boolean;
  /** Whose pages may bring a cookie along. */
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
    // without a key a cookie can only be left over from another Encke on this host: it says nothing here
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

  /** @throws EdgeError TOKEN_INVALID that says why the first is not accepted, where none is */
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

/** The user whom a token names. Claims are any JSON: the types of jose say only what they should be. */
function userOf({ sub }: { readonly sub?: unknown }): UserId {
  if (typeof sub === "string" && isUserId(sub)) return sub;
  const given = sub === undefined ? "missing" : quote(typeof sub === "string" ? sub : JSON.stringify(sub));
  throw new EdgeError(
    "TOKEN_INVALID",
    `the token's claim "sub" must be a user id as text, it is ${given}: make one with \`encke token --sub USER\``,
  );
}

/**
 * Whether this reader may read these users: anybody's where anonymous, else only its own.
 * @throws EdgeError NOT_YOURS
 */
export function authorize(reader: Principal, users: readonly UserId[]): void {
  const foreign = reader.user === undefined ? undefined : users.find((user) => user !== reader.user);
  if (foreign !== undefined)
    throw new EdgeError("NOT_YOURS", `you are ${reader.user}, not ${foreign}: read your own stream`);
}

/** A token for a user, valid for so long. @throws BrokerError BAD_USER; EdgeError BAD_CONFIG */
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

/** The session cookies of a request in their order, at most MAX_COOKIES. The first may be stale, or another edge's. */
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
