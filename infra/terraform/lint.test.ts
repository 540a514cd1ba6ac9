// Every Terraform module of the project is clean, the lint finds what it claims to find, and where Terraform or OpenTofu
// is installed its own checks pass too.

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
    it(`${module} - has no problem that the lint knows`, async () => {
      assert.deepEqual(await lintModule(join(folder, module)), []);
    });
  }

  it("tofu or terraform - finds nothing in what it can check here", (t) => {
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
    ["a line that is not formatted", "main.tf", "  name      = module", "  name = module", /not formatted/],
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
      "a misspelt argument",
      "main.tf",
      "  cidr     = module",
      "  cird     = module",
      /takes no cird|lacks cidr/,
    ],
    ["a folder that is not there", "main.tf", "hcloud-entry", "hcloud-exit", /has no folder/],
    [
      "a variable without description",
      "variables.tf",
      /\n {2}description = "How readers[^\n]*/.source,
      "",
      /entry has no description/,
    ],
    [
      "something declared twice",
      "outputs.tf",
      'output "balancer"',
      'output "addresses"',
      /output\.addresses is declared twice/,
    ],
    [
      "a provider of another version than a module's",
      "versions.tf",
      "~> 1",
      "~> 2",
      /module\.pool wants hcloud ~> 1\.67, not ~> 2\.67/,
    ],
    [
      "a provider that is not required",
      "main.tf",
      'resource "terraform_data"',
      'resource "null_resource"',
      /provider null is not required/,
    ],
    [
      "a test of what is not there",
      TEST,
      "output.balancer",
      "output.balncer",
      /output\.balncer is not declared/,
    ],
    ["a test without a variable", TEST, /\n {2}dns_zone[^\n]*/.source, "", /run by_dns lacks dns_zone/],
    ["a test with one too many", TEST, "leaving =", "leeving =", /a_gateway_leaves sets leeving/],
    [
      "a failure expected elsewhere",
      TEST,
      "[terraform_data.deployment]",
      "[module.firewall.var.operators]",
      /only the tested module's own/,
    ],
    ["a provider of any version", "versions.tf", /, version = "[^"]*"/.source, "", /hcloud has no version/],
  ];
  for (const [what, file, from, to, expected] of mistakes) {
    it(`finds ${what}`, async () => {
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
