// Lints the files of `terraform test` without running them: they must set every required variable and no
// unknown one, assert declared names only, and expect failures only of objects for which Terraform and
// OpenTofu allow it.

import {
  type Blocks,
  type Body,
  blocksOf,
  type Document,
  type Module,
  partsOf,
  referencesOf,
} from "./read.ts";

/** Returns every problem of the tests of a module. @param declared the names that the module declares */
export async function lintTests(module: Module, declared: ReadonlySet<string>): Promise<string[]> {
  const problems = await Promise.all(
    module.tests.map(async (test) => {
      const runs = Object.entries(blocksOf([test], "run"));
      const found = await Promise.all(
        // a run with a `module` tests that module
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
      .map((variable) => `run ${name} sets ${variable}, which is not a variable`),
    ...required
      .filter(([variable]) => !given.includes(variable))
      .map(([variable]) => `run ${name} lacks ${variable}`),
    ...unknown.map((target) => `run ${name}: ${target} is not declared`),
    ...elsewhere.map(
      (reference) =>
        `run ${name} expects a failure of ${reference}: only failures of the tested module itself can be expected`,
    ),
  ];
}

/** Returns the names in the `variables` blocks of a test file or of a run. */
function namesIn(body: Body): string[] {
  const blocks = (body as { variables?: Blocks[string] }).variables ?? [];
  return blocks.flatMap((block) => Object.keys(block));
}
