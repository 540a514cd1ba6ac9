// Prints what an application needs to use a deployment, as lines for a shell: the NATS servers, user,
// password and authority, and the key that signs the tokens of its users. The NATS CLI and the encke command
// read these variables.

import { hostsWith, type Topology } from "../topology/topology.ts";
import type { Secrets } from "./secrets.ts";

const NATS_PORT = 4222;

/** Returns lines of `export NAME='value'`. @param caFile path of the certificate of the authority */
export function credentialsOf(topology: Topology, secrets: Secrets, caFile: string): string {
  const servers = hostsWith(topology, "nats").map(
    (name) => `tls://${topology.hosts[name]?.private}:${NATS_PORT}`,
  );
  const variables: readonly (readonly [string, string])[] = [
    ["NATS_URL", servers.join(",")],
    ["NATS_USER", "producer"],
    ["NATS_PASSWORD", secrets.nats.producer],
    ["NATS_CA", caFile],
    ["ENCKE_JWT_KEY", secrets.jwt_key],
  ];
  return variables.map(([name, value]) => `export ${name}=${quoted(value)}`).join("\n");
}

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
