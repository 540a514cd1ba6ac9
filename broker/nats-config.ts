// Where NATS is and who we are there: NATS_URL and the credentials beside it, as the NATS CLI knows them, turned
// into the options of the client library. Passwords stay in here and out of every message.

import { readFileSync } from "node:fs";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { type ConnectionOptions, credsAuthenticator, nkeyAuthenticator } from "nats";
import { messageOf, quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

export const DEFAULT_NATS_URL = "nats://127.0.0.1:4222";

const SCHEMES = new Set(["nats:", "tls:"]);

/** What the flags and variables said. All but `url` may be absent. */
export interface NatsConfig {
  /** One server or several with commas: `nats://host:4222`, `tls://…`, `nats://user:password@host`, or bare `host:port`. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Path of a `.creds` file. */
  readonly creds?: string | undefined;
  /** Path of a file that holds an nkey seed. */
  readonly nkey?: string | undefined;
  /** Paths of PEM files. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Options for the client library. Credentials in the URL count where none are given beside it.
 * @throws BrokerError BAD_NATS_URL for an address or a credentials file that cannot be used
 */
export function natsOptions(config: NatsConfig): ConnectionOptions {
  const urls = config.url.split(",").map(parseUrl);
  const first = urls[0];
  const inUrl = {
    user: decodeURIComponent(first?.username ?? ""),
    pass: decodeURIComponent(first?.password ?? ""),
  };
  const token = config.token ?? (inUrl.pass === "" ? inUrl.user : "");
  const user = config.user ?? (inUrl.pass === "" ? "" : inUrl.user);
  const options: ConnectionOptions = { servers: urls.map((url) => url.host) };
  if (user !== "") Object.assign(options, { user, pass: config.password ?? inUrl.pass });
  else if (token !== "") options.token = token;
  if (config.creds !== undefined) options.authenticator = credsAuthenticator(readSecret(config.creds));
  else if (config.nkey !== undefined)
    options.authenticator = nkeyAuthenticator(seedOf(readSecret(config.nkey)));
  if (urls.some((url) => url.protocol === "tls:") || config.ca !== undefined || config.cert !== undefined) {
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
 * Whose certificate may be shown: that of one of the servers that were named. For a server that is named by its address
 * the client library has no name to compare with (it would ask for localhost).
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

/** The addresses without credentials, for messages. */
export function describeServers(config: NatsConfig): string {
  return config.url
    .split(",")
    .map((part) => part.trim().replace(/\/\/[^@/]*@/, "//"))
    .join(", ");
}

function parseUrl(text: string): URL {
  const given = text.trim();
  const address = given.includes("://") ? given : `nats://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !SCHEMES.has(url.protocol) || url.hostname === "") {
    const shown = given.replace(/\/\/[^@/]*@/, "//…@");
    throw new BrokerError(
      "BAD_NATS_URL",
      `${quote(shown)} is not a NATS address: use nats://host:4222 or tls://host:4222`,
    );
  }
  if (url.port === "") url.port = "4222";
  return url;
}

function readSecret(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new BrokerError(
      "BAD_NATS_URL",
      `${quote(path)} cannot be read (${messageOf(cause)}): check NATS_CREDS or NATS_NKEY`,
      {
        cause,
      },
    );
  }
}

/** The seed line of an nkey file, which may hold comments and blank lines around it. */
function seedOf(file: Uint8Array): Uint8Array {
  const line = Buffer.from(file)
    .toString("utf8")
    .split(/\r?\n/)
    .find((candidate) => /^S[A-Z2-7]{57}$/.test(candidate.trim()));
  return Buffer.from(line?.trim() ?? "");
}
