// Lints Terraform files without Terraform: they must parse, be formatted, declare no name twice, refer only
// to declared names, describe variables and outputs, pin providers, and call modules with the arguments that
// these declare. It is a subset of `terraform validate` that needs no provider, so that every test run can do
// it.

import { existsSync } from "node:fs";
import { join, normalize } from "node:path";
import {
  type Blocks,
  type Body,
  blocksOf,
  type Document,
  declarationsOf,
  type Module,
  partsOf,
  readModule,
  referencesOf,
  settingsOf,
  typesOf,
} from "./read.ts";
import { lintTests } from "./tests.ts";

/** Arguments of a module call that Terraform itself defines. */
const META = new Set(["source", "version", "providers", "for_each", "count", "depends_on"]);

/** Returns every problem of the module in `folder`, as `file: problem`. @throws if it cannot be read */
export async function lintModule(folder: string): Promise<string[]> {
  const module = await readModule(folder);
  const declared = declarationsOf(module.documents);
  const called = await Promise.all(
    Object.entries(blocksOf(module.documents, "module")).map(async ([name, [call = {}]]) => {
      const target = normalize(join(folder, String(call.source)));
      return [name, existsSync(target) ? await readModule(target) : undefined, call] as const;
    }),
  );
  const references: string[] = [];
  for (const { path, body } of module.documents) {
    for await (const reference of referencesOf(path, body)) {
      const problem = problemOf(
        reference,
        declared.names,
        new Map(called.map(([name, target]) => [name, target])),
      );
      if (problem !== undefined) references.push(`${path}: ${problem}`);
    }
  }
  return [
    ...module.problems,
    ...declared.twice.map((name) => `${folder}: ${name} is declared twice`),
    ...references,
    ...called.flatMap(([name, target, call]) => callProblems(folder, module, name, target, call)),
    ...undescribed(folder, "variable", module.variables),
    ...undescribed(folder, "output", module.outputs),
    ...unpinned(folder, module),
    ...(await lintTests(module, declared.names)),
  ];
}

function problemOf(
  reference: string,
  declared: ReadonlySet<string>,
  modules: ReadonlyMap<string, Module | undefined>,
): string | undefined {
  const { name, parts } = partsOf(reference);
  // the variable of a `for` is a single word; every declared name has two parts
  if (parts.length < 2) return undefined;
  if (!declared.has(name)) return isDeclarable(parts) ? `${name} is not declared` : undefined;
  if (parts[0] !== "module" || parts[2] === undefined) return undefined;
  const target = modules.get(parts[1] ?? "");
  if (target === undefined || parts[2] in target.outputs) return undefined;
  return `module.${parts[1]} has no output ${parts[2]}`;
}

/** Reports whether a reference must be to a declaration, and not to the variable of a `for`. */
function isDeclarable([root = ""]: readonly string[]): boolean {
  return /^(var|local|module|data)$/.test(root) || root.includes("_");
}

function callProblems(
  folder: string,
  { providers }: Module,
  name: string,
  target: Module | undefined,
  call: Body,
): string[] {
  if (target === undefined) return [`${folder}: module.${name} has no folder ${String(call.source)}`];
  const given = Object.keys(call).filter((argument) => !META.has(argument));
  const required = Object.entries(target.variables).filter(([, [block = {}]]) => !("default" in block));
  return [
    ...given
      .filter((argument) => !(argument in target.variables))
      .map((argument) => `${folder}: module.${name} takes no ${argument}`),
    ...required
      .filter(([argument]) => !given.includes(argument))
      .map(([argument]) => `${folder}: module.${name} lacks ${argument}`),
    ...Object.entries(target.providers)
      .filter(([provider, version]) => providers[provider] !== version)
      .map(
        ([provider, version]) =>
          `${folder}: module.${name} wants ${provider} ${version}, not ${providers[provider]}`,
      ),
  ];
}

function undescribed(folder: string, kind: string, blocks: Blocks): string[] {
  return Object.entries(blocks)
    .filter(([, [block = {}]]) => !("description" in block))
    .map(([name]) => `${folder}: ${kind} ${name} has no description`);
}

function unpinned(
  folder: string,
  { documents, providers }: { documents: readonly Document[]; providers: Module["providers"] },
): string[] {
  const used = new Set([...typesOf(documents)].map((type) => type.split("_")[0] ?? ""));
  // `terraform_data` is built into Terraform
  used.delete("terraform");
  const loose = Object.keys(providers).filter((name) => providers[name] === undefined);
  return [
    ...(settingsOf(documents).some((block) => "required_version" in block)
      ? []
      : [`${folder}: no required_version`]),
    ...loose.map((name) => `${folder}: provider ${name} has no version`),
    ...[...used]
      .filter((name) => !(name in providers))
      .map((name) => `${folder}: provider ${name} is not required`),
  ];
}
