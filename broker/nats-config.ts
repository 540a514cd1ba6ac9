// The address of NATS and our credentials there: NATS_URL and the variables beside it, as the NATS CLI uses
// them, converted into options of the client library. Passwords stay in here and out of every message.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import { type Authenticator, type ConnectionOptions, credsAuthenticator, nkeyAuthenticator } from "nats";
import { messageOf, quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

export const DEFAULT_NATS_URL = "nats://127.0.0.1:4222";

const SCHEMES = new Set(["nats:", "tls:"]);

/** Values of flags and variables. All but `url` may be absent. */
export interface NatsConfig {
  /**
   * One server, or several separated by commas: `nats://host:4222`, `tls://…`, `nats://user:password@host`,
   * or just `host:port`.
   */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Path of a `.creds` file. */
  readonly creds?: string | undefined;
  /** Path of a file that contains an nkey seed. */
  readonly nkey?: string | undefined;
  /** Paths of PEM files. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Returns options for the client library. Credentials in the URL are used if none are given beside it.
 * @throws BrokerError BAD_NATS_URL for an address or a credentials file that cannot be used
 */
export function natsOptions(config: NatsConfig): ConnectionOptions {
  const urls = config.url.split(",").map(parseUrl);
  const inUrl = credentialsIn(urls[0]);
  const token = config.token ?? (inUrl.pass === "" ? inUrl.user : "");
  const user = config.user ?? (inUrl.pass === "" ? "" : inUrl.user);
  const options: ConnectionOptions = { servers: urls.map((url) => url.host) };
  if (user !== "") Object.assign(options, { user, pass: config.password ?? inUrl.pass });
  else if (token !== "") options.token = token;
  if (config.creds !== undefined)
    options.authenticator = use("NATS_CREDS", config.creds, (file) => tried(credsAuthenticator(file)));
  else if (config.nkey !== undefined)
    options.authenticator = use("NATS_NKEY", config.nkey, (file) => tried(nkeyAuthenticator(seedOf(file))));
  if (urls.some((url) => url.protocol === "tls:") || config.ca !== undefined || config.cert !== undefined) {
    checkCertificates(config);
    options.tls = {
      ...(config.ca === undefined ? {} : { caFile: config.ca }),
      ...(config.cert === undefined ? {} : { certFile: config.cert }),
      ...(config.key === undefined ? {} : { keyFile: config.key }),
      ...{ checkServerIdentity: identityOf(urls.map((url) => url.hostname)) },
    };
  }
  return options;
}

/**
 * Accepts the certificate of any of the configured servers. For a server that is addressed by IP, the client
 * library has no name to compare with (it would use localhost).
 */
export function identityOf(
  hosts: readonly string[],
): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (host, certificate) => {
    if (hosts.includes(host)) return checkServerIdentity(host, certificate);
    const problems = hosts.map((named) => checkServerIdentity(named.replace(/^\[|\]$/g, ""), certificate));
    return problems.includes(undefined) ? undefined : problems[0];
  };
}

/** Returns the addresses without credentials, for messages. */
export function describeServers(config: NatsConfig): string {
  return config.url
    .split(",")
    .map((part) => part.trim().replace(/\/\/[^@/]*@/, "//"))
    .join(", ");
}

/**
 * Returns user and password of an address.
 * @throws BrokerError BAD_NATS_URL
 */
function credentialsIn(url: URL | undefined): { readonly user: string; readonly pass: string } {
  try {
    return { user: decodeURIComponent(url?.username ?? ""), pass: decodeURIComponent(url?.password ?? "") };
  } catch (cause) {
    throw new BrokerError(
      "BAD_NATS_URL",
      `user or password of ${quote(`${url?.protocol}//…@${url?.host}`)} has a % that is not part of an escape: write %25 for it, or use NATS_USER and NATS_PASSWORD`,
      { cause },
    );
  }
}

function parseUrl(text: string): URL {
  const given = text.trim();
  const address = given.includes("://") ? given : `nats://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // hosts are checked by the rules of http, because `nats:` has none
  const isAddress = url !== undefined && SCHEMES.has(url.protocol) && URL.canParse(`http://${url.host}`);
  if (!isAddress || url.hostname === "") {
    const shown = given.replace(/\/\/[^@/]*@/, "//…@");
    throw new BrokerError(
      "BAD_NATS_URL",
      `${quote(shown)} is not a NATS address: use nats://host:4222 or tls://host:4222`,
    );
  }
  if (url.port === "") url.port = "4222";
  return url;
}

/**
 * The library reads these files again at every connect, which allows them to be renewed. But a service that
 * waits for NATS would retry for ever with missing files, so they are checked here once.
 */
function checkCertificates({ ca, cert, key }: NatsConfig): void {
  if ((cert === undefined) !== (key === undefined))
    throw new BrokerError(
      "BAD_NATS_URL",
      "a client certificate needs its key: set both NATS_CERT and NATS_KEY",
    );
  if (ca !== undefined) use("NATS_CA", ca, (pem) => new X509Certificate(pem));
  if (cert === undefined || key === undefined) return;
  const chain = use("NATS_CERT", cert, (pem) => {
    createSecureContext({ cert: pem });
    return pem;
  });
  use("NATS_KEY", key, (pem) => createSecureContext({ cert: chain, key: pem }));
}

/**
 * Reads a file and converts its bytes.
 * @throws BrokerError BAD_NATS_URL that names the variable and the file
 */
function use<T>(variable: string, path: string, make: (bytes: Buffer) => T): T {
  try {
    return make(readFileSync(path));
  } catch (cause) {
    throw new BrokerError(
      "BAD_NATS_URL",
      `${variable} ${quote(path)} cannot be used (${messageOf(cause)}): check the path, and what is in the file`,
      { cause },
    );
  }
}

/** Returns the seed line of an nkey file, which may have comments and empty lines around it. */
function seedOf(file: Buffer): Uint8Array {
  const line = file
    .toString("utf8")
    .split(/\r?\n/)
    .find((candidate) => /^S[A-Z2-7]{57}$/.test(candidate.trim()));
  if (line === undefined) throw new Error("no line is a seed");
  return Buffer.from(line.trim());
}

/** Creates an authenticator from a file's content, so that errors show now and not at the first connect. */
function tried(authenticator: Authenticator): Authenticator {
  authenticator("");
  return authenticator;
}
