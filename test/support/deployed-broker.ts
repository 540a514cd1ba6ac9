// A nats-server with the configuration of a deployment: the role's template, rendered by Ansible, with
// generated secrets. It has TLS, one user each for producers, graph and edges, and their permissions. A
// violation of a permission fails the suite: the server logs it, and `stop` reads the log.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSecrets, type Secrets } from "../../infra/secrets/secrets.ts";
import { parseTopology, type Topology } from "../../infra/topology/topology.ts";
import type { BrokerUnderTest } from "./brokers.ts";
import { NatsProcess } from "./nats-process.ts";
import { type InstalledServer, natsServer } from "./nats-servers.ts";
import { NODE, noAnsible, renderNatsConfig } from "./rendered-nats.ts";
import { tempDir } from "./temp-dir.ts";

const HOST = "127.0.0.1";

/**
 * Returns a nats-server with the configuration that a topology with these shares produces.
 * @param server the binary that runs with the configuration
 * @param shares partitions of each graph host, as in a topology; empty for one graph host that owns all of
 * them
 */
export function deployedOf(
  server: InstalledServer = natsServer,
  shares: readonly string[] = [],
): BrokerUnderTest {
  /** Created once, so that a restarted server keeps its certificates and passwords. */
  let deployment: Promise<Deployment> | undefined;
  return {
    name: `${server.name} as the nats role configures it${shares.length > 0 ? " for a divided graph" : ""}`,
    skip: server.skip || noAnsible,
    async start([port] = []) {
      deployment ??= deploy(shares, server.version);
      const { folder, secrets, rendered } = await deployment;
      const started = await NatsProcess.start(server, onThisMachine(rendered, folder), port);
      return {
        urls: [`tls://${HOST}:${started.port}`],
        ports: [started.port],
        login: (user) => ({ user, password: secrets.nats[user], ca: join(folder, "ca.pem") }),
        async stop() {
          await started.stop();
          const forbidden = started.log
            .split("\n")
            .filter((line) => /Violation|uthentication error/.test(line));
          if (forbidden.length > 0) throw new Error(forbidden.slice(0, 5).join("\n"));
        },
      };
    },
  };
}

interface Deployment {
  readonly folder: string;
  readonly secrets: Secrets;
  /** Writes the files that Ansible would write on the host. */
  readonly rendered: string;
}

async function deploy(shares: readonly string[], version: string): Promise<Deployment> {
  const folder = tempDir();
  const topology = oneMachine(shares);
  const secrets = await makeSecrets(topology, undefined, new Set());
  const own = secrets.hosts[NODE] ?? { cert: "", key: "" };
  const files = { "ca.pem": secrets.ca.cert, "cert.pem": own.cert, "key.pem": own.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "jetstream"));
  return { folder, secrets, rendered: renderNatsConfig(topology, secrets, version) };
}

function oneMachine(shares: readonly string[]): Topology {
  const host = (name: string, last: number): object => ({
    roles: [name],
    private: `127.0.0.${last}`,
    size: "one",
  });
  const graphs = shares.length === 0 ? [{}] : shares.map((partitions) => ({ partitions }));
  return parseTopology({
    name: "test",
    domain: "live.encke.example",
    network: "127.0.0.0/24",
    sizes: { one: { cores: 1, memoryGb: 1 } },
    hosts: {
      [NODE]: host("nats", 1),
      "gw-1": host("gateway", 2),
      ...Object.fromEntries(
        graphs.map((share, index) => [`graph-${index + 1}`, { ...host("graph", 3 + index), ...share }]),
      ),
    },
  });
}

/** Replaces ports and folders that a test cannot use, and nothing else. */
function onThisMachine(config: string, folder: string): string {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^listen: .*$/m, ""],
    [/^http: .*$/m, ""],
    [/\/etc\/nats\//g, `${folder}/`],
    [/\/var\/lib\/nats-server/g, join(folder, "jetstream")],
  ];
  return changes.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`the role's template does not match ${from}`);
    return text.replace(from, to);
  }, config);
}
