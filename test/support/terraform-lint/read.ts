// Reads Terraform files as JSON with HashiCorp's own parser: the module and the tests in a folder, the names
// that they declare, and the names that they refer to. It knows the language of Terraform, but no provider.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "@cdktn/hcl-tools";
import { getReferencesInExpression, parse } from "@cdktn/hcl2json";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type Body = Readonly<Record<string, Json>>;
export type Blocks = Readonly<Record<string, readonly Body[]>>;

export interface Document {
  readonly path: string;
  readonly body: Body;
}

/** A folder of .tf files, with its interface and its tests. */
export interface Module {
  readonly documents: readonly Document[];
  readonly tests: readonly Document[];
  readonly problems: readonly string[];
  readonly variables: Blocks;
  readonly outputs: Blocks;
  /** The required version of each provider; undefined if none is given. */
  readonly providers: Readonly<Record<string, string | undefined>>;
}

/** Roots of references that are not declarations. */
const BUILT_IN = new Set(["each", "count", "self", "path", "terraform", "null", "true", "false"]);
/** Arguments whose strings are not expressions, or refer to names in another way. */
const NOT_REFERENCES = new Set(["ignore_changes", "providers", "type", "source", "version"]);

/** Reads a module; files that are not HCL or not formatted become problems. @throws if it cannot be read */
export async function readModule(folder: string): Promise<Module> {
  const documents: Document[] = [];
  const tests: Document[] = [];
  const problems: string[] = [];
  const named = existsSync(join(folder, "tests"))
    ? readdirSync(join(folder, "tests")).map((name) => `tests/${name}`)
    : [];
  for (const name of [...readdirSync(folder), ...named]
    .filter((file) => /\.(tf|tftest\.hcl)$/.test(file))
    .sort()) {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    try {
      const body = (await parse(name, text)) as Body;
      if ((await format(text)) !== text) problems.push(`${path}: is not formatted: run terraform fmt`);
      (name.endsWith(".tf") ? documents : tests).push({ path, body });
    } catch (error) {
      problems.push(`${path}: ${String(error).split("\n")[0]}`);
    }
  }
  return {
    documents,
    tests,
    problems,
    variables: blocksOf(documents, "variable"),
    outputs: blocksOf(documents, "output"),
    providers: providersOf(documents),
  };
}

/** Returns all blocks of a kind by their label. */
export function blocksOf(documents: readonly Document[], kind: string): Blocks {
  const found: Record<string, Body[]> = {};
  for (const { body } of documents) {
    for (const [name, blocks] of Object.entries((body[kind] ?? {}) as Blocks)) {
      found[name] = [...(found[name] ?? []), ...blocks];
    }
  }
  return found;
}

/** Returns the `terraform` blocks. */
export function settingsOf(documents: readonly Document[]): Body[] {
  return documents.flatMap(({ body }) => (body.terraform ?? []) as readonly Body[]);
}

function providersOf(documents: readonly Document[]): Record<string, string | undefined> {
  const required = settingsOf(documents).flatMap(
    (block) => (block.required_providers ?? []) as readonly Body[],
  );
  return Object.fromEntries(
    required.flatMap((block) =>
      Object.entries(block as Record<string, { version?: string }>).map(([name, { version }]) => [
        name,
        version,
      ]),
    ),
  );
}

/** Returns the types of the resources and data sources of a module. */
export function typesOf(documents: readonly Document[]): Set<string> {
  return new Set(
    documents.flatMap(({ body }) =>
      ["resource", "data"].flatMap((kind) => Object.keys((body[kind] ?? {}) as object)),
    ),
  );
}

/** Returns every name that can be referred to, and those that are declared twice. */
export function declarationsOf(documents: readonly Document[]): {
  names: ReadonlySet<string>;
  twice: string[];
} {
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

/** Yields every reference in every expression, except the names that dynamic blocks bind. */
export async function* referencesOf(
  path: string,
  value: Json,
  bound: ReadonlySet<string> = new Set(),
): AsyncGenerator<string> {
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

/** Returns the declared name that a reference refers to, and all parts of the reference. */
export function partsOf(reference: string): { name: string; parts: readonly string[] } {
  const parts = reference.replace(/\[[^\]]*\]/g, "").split(".");
  return { name: parts.slice(0, parts[0] === "data" ? 3 : 2).join("."), parts };
}
