// A nats-server with the very configuration that a deployment gives it: the role's template, rendered by Ansible, with
// secrets of our own making. TLS, a user each for producers, graph and edges, and what each may say and hear. A
// message that somebody may not say or hear fails the suite: the server writes it down, and `stop` reads that.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findNatsServer } from "../../broker/server/nats-server.ts";
import { makeSecrets, type Secrets } from "../../infra/secrets/secrets.ts";
import { inventoryOf } from "../../infra/topology/inventory.ts";
import { parseTopology, type Topology } from "../../infra/topology/topology.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { projectRoot } from "../../lib/project.ts";
import type { BrokerUnderTest } from "./brokers.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const HOST = "127.0.0.1";
const NODE = "nats-1";
const ANSIBLE_MS = 60_000;

const roles: string = join(projectRoot, "infra", "ansible", "roles");
const binary: string | undefined = findNatsServer(process.env.PATH ?? "");
const ansible: boolean = (process.env.PATH ?? "")
  .split(delimiter)
  .some((folder) => existsSync(join(folder, "ansible")));

export const deployed: BrokerUnderTest = {
  name: "nats-server as the nats role configures it",
  skip:
    binary === undefined
      ? "no nats-server on this machine"
      : !ansible && "no ansible on this machine (Debian's ansible-core)",
  async start([given] = []) {
    const port = given ?? (await anyFreePort(HOST));
    deployment ??= deploy();
    const { folder, secrets, rendered } = await deployment;
    const config = join(folder, `nats-server-${port}.conf`);
    writeFileSync(config, onThisMachine(rendered, folder, port));
    const server = spawn(binary ?? "", ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    await waitFor("nats-server to listen", () => {
      if (server.exitCode !== null) throw new Error(log);
      return log.includes("Server is ready");
    });
    return {
      urls: [`tls://${HOST}:${port}`],
      ports: [port],
      login: (user) => ({ user, password: secrets.nats[user], ca: join(folder, "ca.pem") }),
      async stop() {
        if (server.exitCode === null) {
          const ended = once(server, "exit");
          server.kill("SIGKILL");
          await ended;
        }
        const forbidden = log.split("\n").filter((line) => /Violation|uthentication error/.test(line));
        if (forbidden.length > 0) throw new Error(forbidden.slice(0, 5).join("\n"));
      },
    };
  },
};

interface Deployment {
  readonly folder: string;
  readonly secrets: Secrets;
  /** The configuration as Ansible writes it on the host. */
  readonly rendered: string;
}

/** Made once: a server that starts anew has the certificates and passwords that it had. */
let deployment: Promise<Deployment> | undefined;

async function deploy(): Promise<Deployment> {
  const folder = tempDir();
  const topology = oneMachine();
  const secrets = await makeSecrets(topology, undefined, new Set());
  const own = secrets.hosts[NODE] ?? { cert: "", key: "" };
  const files = { "ca.pem": secrets.ca.cert, "cert.pem": own.cert, "key.pem": own.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "jetstream"));
  return { folder, secrets, rendered: render(folder, topology, secrets) };
}

function oneMachine(): Topology {
  const host = (role: string, last: number): object => ({
    roles: [role],
    private: `127.0.0.${last}`,
    size: "one",
  });
  return parseTopology({
    name: "test",
    domain: "live.encke.example",
    network: "127.0.0.0/24",
    sizes: { one: { cores: 1, memoryGb: 1 } },
    hosts: { [NODE]: host("nats", 1), "gw-1": host("gateway", 2), "graph-1": host("graph", 3) },
  });
}

function render(folder: string, topology: Topology, secrets: Secrets): string {
  const write = (name: string, value: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  const inventory = write("inventory.json", inventoryOf(topology));
  const vars = [
    ...["common", "nats"].map((role) => join(roles, role, "defaults", "main.yml")),
    write("secrets.json", { encke_secrets: secrets }),
  ].flatMap((path) => ["-e", `@${path}`]);
  const target = join(folder, "rendered.conf");
  const work = `src=${join(roles, "nats", "templates", "nats-server.conf.j2")} dest=${target}`;
  const args = ["-i", inventory, "-c", "local", NODE, "-m", "ansible.builtin.template", "-a", work, ...vars];
  const { status, stdout, stderr } = spawnSync("ansible", args, { encoding: "utf8", timeout: ANSIBLE_MS });
  if (status !== 0) throw new Error(`ansible: ${stdout}${stderr}`);
  return readFileSync(target, "utf8");
}

/** Its ports and folders as a test may have them; all else stays as it is. */
function onThisMachine(config: string, folder: string, port: number): string {
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^listen: .*$/m, `listen: "${HOST}:${port}"`],
    [/^http: .*$/m, ""],
    [/\/etc\/nats\//g, `${folder}/`],
    [/\/var\/lib\/nats-server/g, join(folder, "jetstream")],
  ];
  return changes.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`the role's template has nothing like ${from}`);
    return text.replace(from, to);
  }, config);
}
