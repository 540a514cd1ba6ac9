// A deployment's secrets: passwords of the NATS users, the key that signs readers' tokens, a certificate authority for
// what the services say to each other, one certificate a host, and the site's own. Made here once, kept in one file
// that ansible-vault encrypts. What exists is kept; what is missing (a new host) is added; what is named is renewed.

import { randomBytes, X509Certificate } from "node:crypto";
import { z } from "zod";
import { InfraError } from "../errors.ts";
import type { Topology } from "../topology/topology.ts";
import { makeAuthority, makeCertificate, type Pair } from "./certificates.ts";

const NATS_USERS = ["producer", "graph", "edge", "route"] as const;
type NatsUser = (typeof NATS_USERS)[number];
const SECRET_BYTES = 32;

export interface Secrets {
  /** Passwords by user. */
  readonly nats: Readonly<Record<NatsUser, string>>;
  /** Signs readers' tokens. */
  readonly jwt_key: string;
  readonly ca: Pair;
  readonly hosts: Readonly<Record<string, Pair>>;
  /** Certificate, its chain and key of the site, as HAProxy reads them. Replace it by one that browsers trust. */
  readonly site_pem: string;
}

const pair = z.strictObject({ cert: z.string(), key: z.string() });
const schema: z.ZodType<Secrets> = z.strictObject({
  nats: z.record(z.enum(NATS_USERS), z.string()),
  jwt_key: z.string().min(SECRET_BYTES),
  ca: pair,
  hosts: z.record(z.string(), pair),
  site_pem: z.string(),
});

/** What can be renewed by itself. `ca` renews every certificate that it signed, too. */
export const RENEWABLE = ["nats", "jwt", "hosts", "ca", "site"] as const;
export type Renewable = (typeof RENEWABLE)[number];

/** @throws InfraError USAGE for a file that holds no secrets of ours */
export function parseSecrets(value: unknown): Secrets {
  const parsed = z.object({ encke_secrets: schema }).safeParse(value);
  if (parsed.success) return parsed.data.encke_secrets;
  throw new InfraError("USAGE", "the old file holds no encke_secrets: name a file that `secrets` made");
}

/**
 * All secrets of a deployment; certificates come from the openssl command.
 * @throws InfraError TOOL_FAILED
 */
export async function makeSecrets(
  topology: Topology,
  old: Secrets | undefined,
  renew: ReadonlySet<Renewable>,
): Promise<Secrets> {
  const keep = renew.has("ca") ? undefined : old?.ca;
  const ca = keep ?? (await makeAuthority(`Encke ${topology.name}`));
  const hosts: Record<string, Pair> = {};
  for (const [name, { private: address }] of Object.entries(topology.hosts)) {
    const known = keep === undefined || renew.has("hosts") ? undefined : old?.hosts[name];
    hosts[name] = known ?? (await makeCertificate(ca, name, [`DNS:${name}`, `IP:${address}`]));
  }
  const passwords = renew.has("nats") ? undefined : old?.nats;
  const site = renew.has("site") || (keep === undefined && isOurs(old)) ? undefined : old?.site_pem;
  return {
    nats: Object.fromEntries(
      NATS_USERS.map((name) => [name, passwords?.[name] ?? makeSecret()]),
    ) as Secrets["nats"],
    jwt_key: (renew.has("jwt") ? undefined : old?.jwt_key) ?? makeSecret(),
    ca,
    hosts,
    site_pem: site ?? (await makeSitePem(ca, topology.domain)),
  };
}

/** Whether the site's certificate is of the old authority, and goes with it: one that browsers trust stays. */
function isOurs(old: Secrets | undefined): boolean {
  return (
    old !== undefined && new X509Certificate(old.site_pem).verify(new X509Certificate(old.ca.cert).publicKey)
  );
}

async function makeSitePem(ca: Pair, domain: string): Promise<string> {
  const { cert, key } = await makeCertificate(ca, domain, [`DNS:${domain}`]);
  return cert + ca.cert + key;
}

/** Stands in a URL, an environment file and a NATS configuration without quotes. */
function makeSecret(): string {
  return `s${randomBytes(SECRET_BYTES).toString("hex")}`;
}
