// What can be known of `terraform test` files without running them: they set every variable that must be set and no
// other, assert what is declared, and expect failures where Terraform and OpenTofu look for them.

import {
  type Blocks,
  type Body,
  blocksOf,
  type Document,
  type Module,
  partsOf,
  referencesOf,
} from "./read.ts";

/** Every problem of a module's tests, as `file: what`. `declared` are the module's names. */
export async function lintTests(module: Module, declared: ReadonlySet<string>): Promise<string[]> {
  const problems = await Promise.all(
    module.tests.map(async (test) => {
      const runs = Object.entries(blocksOf([test], "run"));
      const found = await Promise.all(
        // a run that names a module is about that one
        runs.map(([name, [run = {}]]) =>
          "module" in run ? [] : runProblems(test, name, run, module, declared),
        ),
      );
      return found.flat().map((problem) => `${test.path}: ${problem}`);
    }),
  );
  return problems.flat();
}

async function runProblems(
  test: Document,
  name: string,
  run: Body,
  module: Module,
  declared: ReadonlySet<string>,
): Promise<string[]> {
  const given = [...namesIn(test.body), ...namesIn(run)];
  const required = Object.entries(module.variables).filter(([, [block = {}]]) => !("default" in block));
  const unknown: string[] = [];
  for (const part of [run.assert ?? [], run.expect_failures ?? []])
    for await (const reference of referencesOf(test.path, part)) {
      const { name: target, parts } = partsOf(reference);
      const root = parts[0] ?? "";
      const isDeclarable =
        parts.length > 1 && (/^(var|local|output|module|data)$/.test(root) || root.includes("_"));
      if (isDeclarable && !declared.has(target)) unknown.push(target);
    }
  const elsewhere: string[] = [];
  for await (const reference of referencesOf(test.path, run.expect_failures ?? []))
    if (reference.startsWith("module.")) elsewhere.push(reference);
  return [
    ...given
      .filter((variable) => !(variable in module.variables))
      .map((variable) => `run ${name} sets ${variable}, which is no variable`),
    ...required
      .filter(([variable]) => !given.includes(variable))
      .map(([variable]) => `run ${name} lacks ${variable}`),
    ...unknown.map((target) => `run ${name}: ${target} is not declared`),
    ...elsewhere.map(
      (reference) =>
        `run ${name} expects a failure of ${reference}: only the tested module's own can be expected`,
    ),
  ];
}

/** Names in the `variables` blocks of a test file or of a run. */
function namesIn(body: Body): string[] {
  const blocks = (body as { variables?: Blocks[string] }).variables ?? [];
  return blocks.flatMap((block) => Object.keys(block));
}
