// Makes the secrets of a deployment: passwords of the NATS users, the key that signs the tokens of readers, a
// certificate authority for connections between services, one certificate per host, and that of the site.
// ansible-vault encrypts the file that holds them. Existing secrets are kept, missing ones (of a new host)
// are added, and named ones are renewed.

import { randomBytes, X509Certificate } from "node:crypto";
import { z } from "zod";
import { InfraError } from "../errors.ts";
import type { Topology } from "../topology/topology.ts";
import { makeAuthority, makeCertificate, type Pair } from "./certificates.ts";

/** `route` is for servers among themselves, `system` for operators. */
export const NATS_USERS = ["producer", "graph", "edge", "route", "system"] as const;
export type NatsUser = (typeof NATS_USERS)[number];
const SECRET_BYTES = 32;

export interface Secrets {
  /** Passwords by user. */
  readonly nats: Readonly<Record<NatsUser, string>>;
  /** Signs the tokens of readers. */
  readonly jwt_key: string;
  readonly ca: Pair;
  readonly hosts: Readonly<Record<string, Pair>>;
  /** Certificate of the site with its chain and key, for HAProxy. Replace it by one that browsers trust. */
  readonly site_pem: string;
}

const pair = z.strictObject({ cert: z.string(), key: z.string() });
/** Secrets from a file, which may be older than a user. */
export type KnownSecrets = Omit<Secrets, "nats"> & {
  readonly nats: Readonly<Partial<Record<NatsUser, string | undefined>>>;
};

const schema: z.ZodType<KnownSecrets> = z.strictObject({
  nats: z.partialRecord(z.enum(NATS_USERS), z.string()),
  jwt_key: z.string().min(SECRET_BYTES),
  ca: pair,
  hosts: z.record(z.string(), pair),
  site_pem: z.string(),
});

/** What can be renewed separately. `ca` also renews every certificate that it signed. */
export const RENEWABLE = ["nats", "jwt", "hosts", "ca", "site"] as const;
export type Renewable = (typeof RENEWABLE)[number];

/** @throws InfraError USAGE if the value does not hold the secrets of a deployment */
export function parseSecrets(value: unknown): KnownSecrets {
  const parsed = z.object({ encke_secrets: schema }).safeParse(value);
  if (parsed.success) return parsed.data.encke_secrets;
  throw new InfraError("USAGE", "the file has no valid encke_secrets: name a file that `secrets` made");
}

/**
 * Returns all secrets of a deployment.
 * @throws InfraError TOOL_FAILED
 */
export async function makeSecrets(
  topology: Topology,
  old: KnownSecrets | undefined,
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

/** Reports whether the old authority signed the certificate of the site. One that browsers trust is kept. */
function isOurs(old: KnownSecrets | undefined): boolean {
  return (
    old !== undefined && new X509Certificate(old.site_pem).verify(new X509Certificate(old.ca.cert).publicKey)
  );
}

async function makeSitePem(ca: Pair, domain: string): Promise<string> {
  const { cert, key } = await makeCertificate(ca, domain, [`DNS:${domain}`]);
  return cert + ca.cert + key;
}

/** Makes a secret that needs no quotes in a URL, an environment file or a NATS configuration. */
function makeSecret(): string {
  return `s${randomBytes(SECRET_BYTES).toString("hex")}`;
}
