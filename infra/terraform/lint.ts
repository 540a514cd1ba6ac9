// What can be known of Terraform files without Terraform: they parse, are formatted, declare nothing twice, refer only to
// what is declared, describe and pin what others rely on, and call each other's modules with the arguments that these
// take. A subset of `terraform validate` that needs no provider, so that it runs in every test run.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { format } from "@cdktn/hcl-tools";
import { getReferencesInExpression, parse } from "@cdktn/hcl2json";

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Blocks = Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>;

interface Document {
  readonly path: string;
  readonly body: Readonly<Record<string, Json>>;
}

/** One folder of .tf files, as others see it. */
interface Module {
  readonly documents: readonly Document[];
  readonly problems: readonly string[];
  readonly variables: Blocks;
  readonly outputs: Blocks;
}

/** Roots of references that are no declarations. */
const BUILT_IN = new Set(["each", "count", "self", "path", "terraform", "null", "true", "false"]);
/** Arguments whose strings are no expressions, or name things in another way. */
const NOT_REFERENCES = new Set(["ignore_changes", "providers", "type", "source", "version"]);
/** Arguments of a module call that belong to Terraform. */
const META = new Set(["source", "version", "providers", "for_each", "count", "depends_on"]);

/** Every problem of the module in `folder`, as `file: what`. @throws Node's error where it cannot be read */
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
    for await (const reference of referencesOf(path, body, new Set())) {
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
    ...called.flatMap(([name, target, call]) => callProblems(folder, name, target, call)),
    ...undescribed(folder, "variable", module.variables),
    ...undescribed(folder, "output", module.outputs),
    ...unpinned(folder, module.documents),
  ];
}

async function readModule(folder: string): Promise<Module> {
  const documents: Document[] = [];
  const problems: string[] = [];
  const tests = existsSync(join(folder, "tests"))
    ? readdirSync(join(folder, "tests")).map((name) => `tests/${name}`)
    : [];
  for (const name of [...readdirSync(folder), ...tests]
    .filter((file) => /\.(tf|tftest\.hcl)$/.test(file))
    .sort()) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    try {
      const body = (await parse(name, text)) as Document["body"];
      if ((await format(text)) !== text) problems.push(`${path}: is not formatted: run terraform fmt`);
      if (name.endsWith(".tf")) documents.push({ path, body });
    } catch (error) {
      problems.push(`${path}: ${String(error).split("\n")[0]}`);
    }
  }
  const variables = blocksOf(documents, "variable");
  return { documents, problems, variables, outputs: blocksOf(documents, "output") };
}

/** All blocks of one kind with one label, by it. */
function blocksOf(documents: readonly Document[], kind: string): Blocks {
  const found: Record<string, Readonly<Record<string, Json>>[]> = {};
  for (const { body } of documents) {
    for (const [name, blocks] of Object.entries((body[kind] ?? {}) as Blocks)) {
      found[name] = [...(found[name] ?? []), ...blocks];
    }
  }
  return found;
}

function declarationsOf(documents: readonly Document[]): { names: ReadonlySet<string>; twice: string[] } {
  const all: string[] = [];
  for (const [kind, prefix] of [
    ["variable", "var."],
    ["module", "module."],
    ["output", "output."],
  ] as const)
    for (const [name, blocks] of Object.entries(blocksOf(documents, kind)))
      for (const _ of blocks) all.push(prefix + name);
  for (const { body } of documents) {
    for (const locals of (body.locals ?? []) as readonly object[])
      for (const name of Object.keys(locals)) all.push(`local.${name}`);
    for (const [kind, prefix] of [
      ["resource", ""],
      ["data", "data."],
    ] as const)
      for (const [type, named] of Object.entries((body[kind] ?? {}) as Record<string, Blocks>))
        for (const [name, blocks] of Object.entries(named))
          for (const _ of blocks) all.push(`${prefix}${type}.${name}`);
  }
  return {
    names: new Set(all),
    twice: [...new Set(all.filter((name, index) => all.indexOf(name) !== index))],
  };
}

/** Every reference in every expression, with the names that dynamic blocks bind left out. */
async function* referencesOf(path: string, value: Json, bound: ReadonlySet<string>): AsyncGenerator<string> {
  if (typeof value === "string") {
    if (!value.includes("${")) return;
    for (const { value: reference } of await getReferencesInExpression(path, value)) {
      const root = reference.split(/[.[]/)[0] ?? "";
      if (!BUILT_IN.has(root) && !bound.has(root)) yield reference;
    }
  } else if (Array.isArray(value)) {
    for (const item of value) yield* referencesOf(path, item, bound);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      if (NOT_REFERENCES.has(name)) continue;
      if (name !== "dynamic") yield* referencesOf(path, item, bound);
      else
        for (const [label, block] of Object.entries(item as object))
          yield* referencesOf(path, block as Json, new Set([...bound, label]));
    }
  }
}

function problemOf(
  reference: string,
  declared: ReadonlySet<string>,
  modules: ReadonlyMap<string, Module | undefined>,
): string | undefined {
  const parts = reference.replace(/\[[^\]]*\]/g, "").split(".");
  const name = parts.slice(0, parts[0] === "data" ? 3 : 2).join(".");
  // a `for` binds plain words; what could be declared has two parts
  if (parts.length < 2) return undefined;
  if (!declared.has(name)) return isDeclarable(parts) ? `${name} is not declared` : undefined;
  if (parts[0] !== "module" || parts[2] === undefined) return undefined;
  const target = modules.get(parts[1] ?? "");
  if (target === undefined || parts[2] in target.outputs) return undefined;
  return `module.${parts[1]} has no output ${parts[2]}`;
}

/** Whether a reference can only be to a declaration: the variable of a `for` has any name, but no such root. */
function isDeclarable([root = ""]: readonly string[]): boolean {
  return /^(var|local|module|data)$/.test(root) || root.includes("_");
}

function callProblems(
  folder: string,
  name: string,
  target: Module | undefined,
  call: Readonly<Record<string, Json>>,
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
  ];
}

function undescribed(folder: string, kind: string, blocks: Blocks): string[] {
  return Object.entries(blocks)
    .filter(([, [block = {}]]) => !("description" in block))
    .map(([name]) => `${folder}: ${kind} ${name} has no description`);
}

function unpinned(folder: string, documents: readonly Document[]): string[] {
  const settings = documents.flatMap(({ body }) => (body.terraform ?? []) as readonly Record<string, Json>[]);
  const providers = settings.flatMap(({ required_providers: required }) =>
    ((required ?? []) as readonly Record<string, { version?: string }>[]).flatMap((block) =>
      Object.entries(block),
    ),
  );
  const loose = providers.filter(([, { version }]) => version === undefined).map(([name]) => name);
  return [
    ...(settings.some((block) => "required_version" in block) ? [] : [`${folder}: no required_version`]),
    ...loose.map((name) => `${folder}: provider ${name} has no version`),
  ];
}
