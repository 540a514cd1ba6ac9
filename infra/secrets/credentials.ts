// What an application needs of a deployment: where NATS is, who it is there, whom it trusts, and the key that signs its
// users' tokens; as lines that a shell reads. The variables are those that the NATS CLI and the encke command know.

import { hostsWith, type Topology } from "../topology/topology.ts";
import type { Secrets } from "./secrets.ts";

const NATS_PORT = 4222;

/** Lines of `export NAME='value'`. @param caFile path of the authority's certificate, as the application reads it */
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
