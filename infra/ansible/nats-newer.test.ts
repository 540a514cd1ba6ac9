// Tests of the nats role's tasks that install a newer server than Debian's, run by Ansible on this machine in
// a temporary folder: only the file with the given checksum is installed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { findExecutable } from "../../test/support/find-executable.ts";
import { natsServer } from "../../test/support/nats-servers.ts";
import { noAnsible } from "../../test/support/rendered-nats.ts";
import { tempDir } from "../../test/support/temp-dir.ts";

const roles = join(projectRoot, "infra", "ansible", "roles");
const ANSIBLE_MS = 120_000;
const PLAY = `
- hosts: localhost
  gather_facts: false
  vars_files: [${["nats", "encke"].map((role) => join(roles, role, "defaults", "main.yml")).join(", ")}]
  tasks:
    - ansible.builtin.import_tasks: ${join(roles, "nats", "tasks", "check.yml")}
    - ansible.builtin.import_tasks: ${join(roles, "nats", "tasks", "newer.yml")}
`;
const USERS = ["producer", "graph", "edge", "route", "system"];

const sumOf = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

function install(newer: string, vars: object): { status: number | null; output: string } {
  const folder = tempDir();
  const play = join(folder, "play.yml");
  writeFileSync(play, PLAY);
  const nats = Object.fromEntries(USERS.map((user) => [user, "x"]));
  const all = { ansible_python_interpreter: "auto_silent", encke_state: folder, nats_newer: newer };
  const given = JSON.stringify({ ...all, encke_secrets: { nats }, ...vars });
  const args = ["-i", "localhost,", "-c", "local", "-e", given, play];
  const env = { ...process.env, ANSIBLE_NOCOLOR: "1" };
  const { status, stdout } = spawnSync("ansible-playbook", args, {
    encoding: "utf8",
    timeout: ANSIBLE_MS,
    env,
  });
  return { status, output: stdout.replaceAll(/\s+/g, " ") };
}

describe("newer nats-server", { skip: noAnsible || natsServer.skip }, () => {
  const isInstalled = (newer: string): boolean => existsSync(join(newer, "nats-server"));

  it("binary with its checksum - is installed, and its version is recorded", () => {
    const newer = join(tempDir(), "newer");
    const vars = { nats_binary: natsServer.binary, nats_checksum: sumOf(natsServer.binary) };
    const { status, output } = install(newer, vars);
    assert.equal(status, 0, output);
    assert.equal(sumOf(join(newer, "nats-server")), vars.nats_checksum);
    const version = readFileSync(join(newer, "version"), "utf8");
    assert.equal(version, `nats-server: v${natsServer.version}\n${vars.nats_checksum}  nats-server\n`);
    assert.match(install(newer, vars).output, /changed=0/);
  });

  it("package with its checksum - has its binary installed, and a second run changes nothing", {
    skip: findExecutable("dpkg-deb") === undefined && "no dpkg-deb on this machine",
  }, () => {
    const [root, newer] = [join(tempDir(), "root"), join(tempDir(), "newer")];
    const file = join(tempDir(), "nats.deb");
    mkdirSync(join(root, "DEBIAN"), { recursive: true });
    mkdirSync(join(root, "usr", "local", "bin"), { recursive: true });
    cpSync(natsServer.binary, join(root, "usr", "local", "bin", "nats-server"));
    const control = "Package: nats-server\nVersion: 9\nArchitecture: all\nMaintainer: x\nDescription: x\n";
    writeFileSync(join(root, "DEBIAN", "control"), control);
    const built = spawnSync("dpkg-deb", ["-Znone", "--build", root, file], { encoding: "utf8" });
    assert.equal(built.status, 0, built.stderr);
    const vars = { nats_package: file, nats_checksum: sumOf(file) };
    const { status, output } = install(newer, vars);
    assert.equal(status, 0, output);
    assert.equal(sumOf(join(newer, "nats-server")), sumOf(natsServer.binary));
    assert.match(install(newer, vars).output, /changed=0/);
  });

  const refused: readonly (readonly [string, object, RegExp])[] = [
    [
      "wrong checksum",
      { nats_binary: natsServer.binary, nats_checksum: "0".repeat(64) },
      /has the SHA-256 checksum [0-9a-f]{64}, and nats_checksum is 0{64}: nothing was installed/,
    ],
    [
      "missing file",
      { nats_package: "/nowhere/nats.deb", nats_checksum: "0".repeat(64) },
      /\/nowhere\/nats\.deb does not exist/,
    ],
    ["binary without a checksum", { nats_binary: natsServer.binary }, /set nats_checksum to the SHA-256/],
    [
      "binary and package",
      { nats_binary: "a", nats_package: "b", nats_checksum: "0".repeat(64) },
      /by nats_binary or by nats_package/,
    ],
    [
      "disk that is smaller than the streams",
      { encke_stream_bytes: "8GiB" },
      /take 8GiB on each NATS node, and nats_jetstream_disk is 6GB: raise it/,
    ],
    [
      "secrets that are older than a user",
      { encke_secrets: { nats: { producer: "x", graph: "x", edge: "x", route: "x" } } },
      /no password of the NATS user system: .*secrets --old/,
    ],
  ];
  for (const [what, vars, message] of refused)
    it(`${what} - is refused before anything is installed`, () => {
      const newer = join(tempDir(), "newer");
      const { status, output } = install(newer, vars);
      assert.equal(status, 2, output);
      assert.match(output, message);
      assert.equal(isInstalled(newer), false);
    });
});
