// Tests of the playbooks without a host: they parse, ansible-lint and yamllint pass, the argument
// specifications cover all defaults, and the dashboard and alerts use metrics that exist.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";

const folder = join(projectRoot, "infra", "ansible");
const playbooks = readdirSync(folder).filter((name) => name.endsWith(".yml"));
const roles = readdirSync(join(folder, "roles"));
const TIMEOUT_MS = 300_000;

function call(tool: string, ...args: string[]): { status: number | null; output: string; missing: boolean } {
  const env = { ...process.env, ANSIBLE_NOCOLOR: "1", NO_COLOR: "1" };
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd: folder,
    env,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
  });
  return {
    status,
    output: `${stdout ?? ""}${stderr ?? ""}`,
    missing: error !== undefined && "code" in error && error.code === "ENOENT",
  };
}

const without = (tool: string): string | false =>
  call(tool, "--version").missing ? `${tool} is not installed` : false;

describe("playbooks", () => {
  it("syntax - is valid in every playbook", { skip: without("ansible-playbook") }, () => {
    assert.ok(playbooks.length >= 7);
    const { status, output } = call("ansible-playbook", "--syntax-check", "-i", "localhost,", ...playbooks);
    assert.equal(status, 0, output);
  });

  it("ansible-lint - passes with the production profile", { skip: without("ansible-lint") }, () => {
    const { status, output } = call(
      "ansible-lint",
      "--strict",
      ...playbooks,
      ...roles.map((role) => join("roles", role)),
    );
    assert.equal(status, 0, output);
  });

  it("yamllint - passes", { skip: without("yamllint") }, () => {
    const { status, output } = call(
      "yamllint",
      "--strict",
      ".",
      "../lab/group_vars.yml",
      "../secrets/example.yml",
    );
    assert.equal(status, 0, output);
  });

  for (const role of roles) {
    it(`role ${role} - specifies all of its defaults as arguments`, () => {
      const specs = readFileSync(join(folder, "roles", role, "meta", "argument_specs.yml"), "utf8");
      const path = join(folder, "roles", role, "defaults", "main.yml");
      const defaults = existsSync(path) ? readFileSync(path, "utf8") : "";
      for (const [, name = ""] of defaults.matchAll(/^([a-z_]+):/gm))
        assert.match(specs, new RegExp(`\\b${name}:`), name);
    });
  }
});

describe("load balancer", () => {
  it("ports for readers - set TCP_USER_TIMEOUT, which ends a stream whose reader vanished", () => {
    const template = readFileSync(join(folder, "roles", "lb", "templates", "haproxy.cfg.j2"), "utf8");
    const [, readers = ""] = /^frontend readers$([\s\S]*?)^\w/m.exec(template) ?? [];
    const binds = readers.split("\n").filter((line) => /^ +bind /.test(line));
    assert.ok(binds.length >= 2);
    for (const bind of binds) assert.match(bind, / tcp-ut \{\{ lb_reader_timeout \}\}/);
  });
});

describe("monitoring", () => {
  const product = ["broker", "edge", "graph", "lib"]
    .flatMap((name) => readdirSync(join(projectRoot, name), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");

  for (const file of ["dashboard.json", "alerts.yml"]) {
    it(`${file} - uses only metrics that exist`, () => {
      const text = readFileSync(join(folder, "roles", "observe", "files", file), "utf8");
      const asked = new Set([...text.matchAll(/\bencke_(?:edge|graph|nats)_[a-z_]+/g)].map(([name]) => name));
      assert.ok(asked.size >= 4);
      for (const name of asked) assert.ok(product.includes(`"${name}"`), `no metric ${name}`);
    });
  }
});
