// Tests of the secrets of a deployment: what is kept, what is renewed, and that the certificates verify.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { readTopology, type Topology } from "../topology/topology.ts";
import { credentialsOf } from "./credentials.ts";
import { makeSecrets, parseSecrets, type Renewable } from "./secrets.ts";

const lab = readTopology(join(projectRoot, "infra", "topology", "lab.json"));
/** Two hosts suffice, and need fewer calls of openssl. */
const two: Topology = { ...lab, hosts: pick("gw-1", "nats-1") };
const none: ReadonlySet<Renewable> = new Set();

const vault = spawnSync("ansible-vault", ["--version"]).error === undefined;

function pick(...names: string[]): Topology["hosts"] {
  return Object.fromEntries(Object.entries(lab.hosts).filter(([name]) => names.includes(name)));
}

describe("secrets", () => {
  it("certificates - are signed by the authority and name the host and its address", async () => {
    const { ca, hosts, site_pem } = await makeSecrets(two, undefined, none);
    const authority = new X509Certificate(ca.cert);
    const host = new X509Certificate(hosts["nats-1"]?.cert ?? "");
    assert.ok(host.checkIssued(authority) && host.verify(authority.publicKey));
    assert.equal(host.checkIP("10.77.0.21"), "10.77.0.21");
    assert.equal(host.checkHost("nats-1"), "nats-1");
    assert.equal(host.checkIP("10.77.0.22"), undefined);
    assert.equal(new X509Certificate(site_pem).checkHost(lab.domain), lab.domain);
  });

  it("a second run - keeps all secrets and adds those of a new host", async () => {
    const first = await makeSecrets(two, undefined, none);
    const more = { ...lab, hosts: pick("gw-1", "nats-1", "gw-2") };
    const second = await makeSecrets(more, parseSecrets({ encke_secrets: first }), none);
    const { "gw-2": added, ...kept } = second.hosts;
    assert.ok(added);
    assert.deepEqual({ ...second, hosts: kept }, first);
  });

  it("renewal - changes only what was named", async () => {
    const first = await makeSecrets(two, undefined, none);
    const second = await makeSecrets(two, first, new Set(["jwt", "nats"] as const));
    assert.notEqual(second.jwt_key, first.jwt_key);
    assert.notEqual(second.nats.edge, first.nats.edge);
    assert.deepEqual([second.ca, second.hosts, second.site_pem], [first.ca, first.hosts, first.site_pem]);
    const third = await makeSecrets(two, first, new Set(["ca"] as const));
    assert.notEqual(third.hosts["gw-1"]?.cert, first.hosts["gw-1"]?.cert);
    assert.equal(third.jwt_key, first.jwt_key);
    assert.notEqual(third.site_pem, first.site_pem, "the old authority signed it");
  });

  it("a certificate of the site from another authority - is kept when ours is renewed", async () => {
    const first = await makeSecrets(two, undefined, none);
    const { site_pem } = await makeSecrets(two, undefined, none);
    const renewed = await makeSecrets(two, { ...first, site_pem }, new Set(["ca"] as const));
    assert.notEqual(renewed.ca.cert, first.ca.cert);
    assert.equal(renewed.site_pem, site_pem);
  });

  it("credentials - set the variables that an application needs", async () => {
    const secrets = await makeSecrets(lab, undefined, none);
    const lines = credentialsOf(lab, secrets, "/it's here/ca.pem");
    const names = ["NATS_URL", "NATS_USER", "NATS_PASSWORD", "NATS_CA", "ENCKE_JWT_KEY"];
    const script = `${lines}\n${names.map((name) => `echo "$${name}"`).join("\n")}`;
    const { stdout } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "tls://10.77.0.21:4222,tls://10.77.0.22:4222,tls://10.77.0.23:4222",
      "producer",
      secrets.nats.producer,
      "/it's here/ca.pem",
      secrets.jwt_key,
    ]);
  });

  it("credentials of another user - contain no key that signs tokens", async () => {
    const secrets = await makeSecrets(two, undefined, none);
    const lines = credentialsOf(two, secrets, "ca.pem", "system");
    assert.match(lines, new RegExp(`NATS_USER='system'\nexport NATS_PASSWORD='${secrets.nats.system}'`));
    assert.doesNotMatch(lines, /JWT/);
  });

  it("secrets that are older than a user - are completed, and have no credentials of it before", async () => {
    const { nats, ...rest } = await makeSecrets(two, undefined, none);
    const { system: _, ...older } = nats;
    const known = parseSecrets({ encke_secrets: { ...rest, nats: older } });
    assert.throws(() => credentialsOf(two, known, "ca.pem", "system"), {
      code: "USAGE",
      message: /no password of system: .*--old/,
    });
    const { nats: completed } = await makeSecrets(two, known, none);
    assert.deepEqual({ ...completed, system: undefined }, { ...older, system: undefined });
    assert.match(completed.system, /^s[0-9a-f]{64}$/);
  });

  it("another file - is refused with the remedy", () => {
    assert.throws(() => parseSecrets("$ANSIBLE_VAULT;1.1;AES256"), {
      code: "USAGE",
      message: /name a file that `secrets` made/,
    });
  });

  it("the example - has the same fields as generated secrets, and works with ansible-vault", {
    skip: !vault && "no ansible-vault on this machine (Debian's ansible-core)",
  }, async () => {
    const folder = tempDir();
    const file = join(folder, "secrets.yml");
    const password = join(folder, "password");
    copyFileSync(join(projectRoot, "infra", "secrets", "example.yml"), file);
    writeFileSync(password, "only for this test\n");
    const call = (tool: string, ...args: string[]): string => {
      const env = { ...process.env, ANSIBLE_NOCOLOR: "1" };
      const key = ["--vault-password-file", password];
      const { status, stdout, stderr } = spawnSync(tool, [...args, ...key], { encoding: "utf8", env });
      assert.equal(status, 0, `${tool}: ${stdout}${stderr}`);
      return stdout;
    };
    call("ansible-vault", "encrypt", file);
    assert.match(readFileSync(file, "utf8"), /^\$ANSIBLE_VAULT;/);
    const shown = call(
      "ansible",
      ...["-i", "nats-1,", "nats-1"],
      ...["-m", "debug", "-a", "var=encke_secrets", "-e", `@${file}`],
    );
    const example = parseSecrets(JSON.parse(shown.slice(shown.indexOf("{"))));
    const made = await makeSecrets({ ...lab, hosts: pick("nats-1") }, undefined, none);
    assert.deepEqual(shapeOf(example), shapeOf(made));
  });
});

/** Returns the names of all fields, with types instead of values. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, shapeOf(inner)] as const)
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}
