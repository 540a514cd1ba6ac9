// A nats-server with the very configuration that a deployment gives it: the role's template, rendered by Ansible, with
// secrets of our own making. TLS, a user each for producers, graph and edges, and what each may say and hear. A
// message that somebody may not say or hear fails the suite: the server writes it down, and `stop` reads that.

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
 * @param server runs with it
 * @param shares of the graph, each of a graph host of its own, as a topology says them; whole where there are
 * none
 */
export function deployedOf(
  server: InstalledServer = natsServer,
  shares: readonly string[] = [],
): BrokerUnderTest {
  /** Made once: a server that starts again has the certificates and passwords that it had. */
  let deployment: Promise<Deployment> | undefined;
  return {
    name: `${server.name} as the nats role configures it${shares.length > 0 ? " for a divided graph" : ""}`,
    skip: server.skip || noAnsible,
    async start([port] = []) {
      deployment ??= deploy(shares);
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
  /** The configuration as Ansible writes it on the host. */
  readonly rendered: string;
}

async function deploy(shares: readonly string[]): Promise<Deployment> {
  const folder = tempDir();
  const topology = oneMachine(shares);
  const secrets = await makeSecrets(topology, undefined, new Set());
  const own = secrets.hosts[NODE] ?? { cert: "", key: "" };
  const files = { "ca.pem": secrets.ca.cert, "cert.pem": own.cert, "key.pem": own.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "jetstream"));
  return { folder, secrets, rendered: renderNatsConfig(topology, secrets) };
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

/** Its ports and folders as a test may have them; all else stays as it is. */
function onThisMachine(config: string, folder: string): string {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^listen: .*$/m, ""],
    [/^http: .*$/m, ""],
    [/\/etc\/nats\//g, `${folder}/`],
    [/\/var\/lib\/nats-server/g, join(folder, "jetstream")],
  ];
  return changes.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`the role's template has nothing like ${from}`);
    return text.replace(from, to);
  }, config);
}
