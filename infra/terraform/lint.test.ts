// Checks every Terraform module of the project with our lint, and with Terraform or OpenTofu if it is
// installed; and checks that the lint finds the mistakes that it is made for.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { lintModule } from "../../test/support/terraform-lint/lint.ts";

const folder = join(projectRoot, "infra", "terraform");
const modules = ["modules", "environments"].flatMap((part) =>
  readdirSync(join(folder, part)).map((name) => join(part, name)),
);

describe("terraform", () => {
  for (const module of modules) {
    it(`${module} - passes the lint`, async () => {
      assert.deepEqual(await lintModule(join(folder, module)), []);
    });
  }

  it("tofu or terraform - passes every check that can run here", (t) => {
    const { status, stdout, stderr } = spawnSync(join(folder, "check"), {
      encoding: "utf8",
      timeout: 400_000,
    });
    assert.equal(status, 0, stdout + stderr);
    for (const line of stdout.split("\n").filter((text) => text.startsWith("skipped"))) t.diagnostic(line);
  });
});

const TEST = "tests/hetzner.tftest.hcl";

describe("terraform lint", () => {
  const mistakes: readonly (readonly [string, string, string, string, RegExp])[] = [
    ["broken syntax", "main.tf", 'module "network" {', 'module "network" {{', /main\.tf: /],
    ["an unformatted line", "main.tf", "  name      = module", "  name = module", /not formatted/],
    ["an unknown variable", "main.tf", "var.location", "var.place", /var\.place is not declared/],
    ["an unknown local", "main.tf", "in local.serving", "in local.servng", /local\.servng is not declared/],
    ["an unknown module", "main.tf", "module.network.id", "module.net.id", /module\.net is not declared/],
    [
      "an unknown output",
      "main.tf",
      "module.network.id",
      "module.network.nr",
      /module\.network has no output nr/,
    ],
    [
      "a misspelled argument",
      "main.tf",
      "  cidr     = module",
      "  cird     = module",
      /takes no cird|lacks cidr/,
    ],
    ["a missing folder of a module", "main.tf", "hcloud-entry", "hcloud-exit", /has no folder/],
    [
      "a variable without description",
      "variables.tf",
      /\n {2}description = "How readers[^\n]*/.source,
      "",
      /entry has no description/,
    ],
    [
      "a name declared twice",
      "outputs.tf",
      'output "balancer"',
      'output "addresses"',
      /output\.addresses is declared twice/,
    ],
    [
      "a provider version that differs from that of a module",
      "versions.tf",
      "~> 1",
      "~> 2",
      /module\.pool wants hcloud ~> 1\.67, not ~> 2\.67/,
    ],
    [
      "a provider that is used but not required",
      "main.tf",
      'resource "terraform_data"',
      'resource "null_resource"',
      /provider null is not required/,
    ],
    [
      "a test that asserts an unknown output",
      TEST,
      "output.balancer",
      "output.balncer",
      /output\.balncer is not declared/,
    ],
    [
      "a test that does not set a required variable",
      TEST,
      /\n {2}dns_zone[^\n]*/.source,
      "",
      /run by_dns lacks dns_zone/,
    ],
    ["a test that sets an unknown variable", TEST, "leaving =", "leeving =", /a_gateway_leaves sets leeving/],
    [
      "a failure expected of another module",
      TEST,
      "[terraform_data.deployment]",
      "[module.firewall.var.operators]",
      /only failures of the tested module itself/,
    ],
    [
      "a provider without a version",
      "versions.tf",
      /, version = "[^"]*"/.source,
      "",
      /hcloud has no version/,
    ],
  ];
  for (const [what, file, from, to, expected] of mistakes) {
    it(`lint - finds ${what}`, async () => {
      const copy = join(tempDir(), "terraform");
      cpSync(folder, copy, { recursive: true });
      const path = join(copy, "environments", "hetzner", file);
      const before = readFileSync(path, "utf8");
      const after = before.replace(
        new RegExp(from.startsWith("\\n") || from.startsWith(",") ? from : escapeText(from)),
        to,
      );
      assert.notEqual(after, before, "the mistake was not made");
      writeFileSync(path, after);
      const problems = await lintModule(join(copy, "environments", "hetzner"));
      assert.match(problems.join("\n"), expected);
    });
  }
});

function escapeText(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
