// Prints what an application needs to use a deployment, as lines for a shell: the NATS servers, user,
// password and authority, and the key that signs the tokens of its users. The NATS CLI and the encke command
// read these variables.

import { InfraError } from "../errors.ts";
import { hostsWith, type Topology } from "../topology/topology.ts";
import type { KnownSecrets, NatsUser } from "./secrets.ts";

const NATS_PORT = 4222;

/**
 * Returns lines of `export NAME='value'`. Only a producer receives the key that signs tokens.
 * @param caFile path of the certificate of the authority
 * @throws InfraError USAGE if the secrets are older than the user
 */
export function credentialsOf(
  topology: Topology,
  secrets: KnownSecrets,
  caFile: string,
  user: NatsUser = "producer",
): string {
  const password = secrets.nats[user];
  if (password === undefined)
    throw new InfraError("USAGE", `the secrets have no password of ${user}: add it with \`secrets --old\``);
  const servers = hostsWith(topology, "nats").map(
    (name) => `tls://${topology.hosts[name]?.private}:${NATS_PORT}`,
  );
  const variables: readonly (readonly [string, string])[] = [
    ["NATS_URL", servers.join(",")],
    ["NATS_USER", user],
    ["NATS_PASSWORD", password],
    ["NATS_CA", caFile],
    ...(user === "producer" ? [["ENCKE_JWT_KEY", secrets.jwt_key] as const] : []),
  ];
  return variables.map(([name, value]) => `export ${name}=${quoted(value)}`).join("\n");
}

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
