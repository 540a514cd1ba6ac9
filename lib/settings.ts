// Settings. One entry of a table defines a flag's name, its values and their validation. The command line,
// the environment and the configuration file are all read through the table. A flag takes precedence over the
// environment, the environment over the file, and the file over the default.

import { z } from "zod";
import { EnckeError, quote } from "./errors.ts";

/** An entry of a table, of any type. */
interface AnySetting {
  readonly help: string;
  /** Placeholder for the value in the help text; a setting without one is a switch. */
  readonly value?: string;
  readonly short?: string;
  /** Another environment variable for it, which users of a related tool know, such as NATS_URL. */
  readonly env?: string;
  readonly schema: z.ZodType;
  readonly default?: unknown;
  /** How the help spells the default, where that is not as it is written here: 24h, 4GiB. */
  readonly defaultText?: string;
}

/** A setting of type T. Its default may be undefined only if T may be. */
export type Setting<T> = Omit<AnySetting, "schema" | "default"> & {
  readonly schema: z.ZodType<Exclude<T, undefined>>;
} & (undefined extends T ? { readonly default?: T } : { readonly default: T });

/** Settings by key. The key `adminPort` is the flag `--admin-port` and the variable `ENCKE_ADMIN_PORT`. */
export type SettingsTable = Readonly<Record<string, AnySetting>>;

/**
 * Reads and validates the values of `wanted`. `known` contains every setting of every command. An ENCKE_ name
 * or a key of the file that is not in it is an error, because a typo would otherwise go unnoticed; a setting
 * of another command is ignored.
 * @param origins receives the origin of each value that is not a default, by key
 * @throws SettingsError that lists every problem by name
 */
export type ValuesOf<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends { readonly schema: z.ZodType<infer Value> }
    ? Table[Key] extends { readonly default: NonNullable<unknown> }
      ? Value
      : Value | undefined
    : never;
};

/** The origin of a value; a default has none. */
export type Origin = "flag" | "environment" | "file";

export interface Sources {
  /** Values from the command line, by key. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A parsed configuration file: an object whose keys are flags without the leading dashes. */
  readonly file?: { readonly path: string; readonly values: unknown } | undefined;
}

/** Reports all invalid settings at once, one per line. */
export class SettingsError extends EnckeError<"BAD_SETTINGS"> {
  constructor(problems: readonly string[]) {
    super("BAD_SETTINGS", problems.join("\n"));
  }
}

const ENV_PREFIX = "ENCKE_";

/**
 * Matches the variables that Kubernetes sets in every pod for a service whose name is `encke` or begins with
 * `encke-`, including those of Docker links
 * (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
 */
const SERVICE_VARIABLE =
  /^ENCKE(?:_[A-Z0-9]+)*_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9]+)*|PORT_\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
/**
 * Matches a variable with such a service's address, whose name may be a setting's as well: ENCKE_PORT, or
 * ENCKE_ADMIN_PORT for a service `encke-admin`.
 */
const SERVICE_ADDRESS_NAME = /^ENCKE(?:_[A-Z0-9]+)*_PORT$/;
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** Returns the part of a table with the given keys. */
export function pick<Table extends SettingsTable, Key extends keyof Table>(
  table: Table,
  ...keys: readonly Key[]
): Pick<Table, Key> {
  return Object.fromEntries(keys.map((key) => [key, table[key]])) as Pick<Table, Key>;
}

/**
 * The values of `wanted`, each checked by its schema. `known` holds every setting of every command: an ENCKE_
 * name or a file key outside it is an error (a typo would otherwise be silence), another command's is not.
 * @param origins receives, by key, where each value that is not a default comes from
 * @throws SettingsError that lists every problem by name.
 */
export function resolveSettings<Table extends SettingsTable>(
  wanted: Table,
  known: SettingsTable,
  sources: Sources,
  origins: Map<string, Origin> = new Map(),
): ValuesOf<Table> {
  const flags = new Set(Object.keys(known).map(flagName));
  const problems: string[] = [];
  const file = readFileValues(sources, flags, problems);
  const env = withoutServices(sources.env);
  for (const name of Object.keys(env)) {
    if (
      name.startsWith(ENV_PREFIX) &&
      !flags.has(name.slice(ENV_PREFIX.length).replaceAll("_", "-").toLowerCase())
    ) {
      problems.push(`${name} is not a setting of any command: unset it, or see --help for the names`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(wanted)) {
    const given = firstGiven(key, setting, { ...sources, env }, file);
    if (given === undefined) {
      values[key] = setting.default;
      continue;
    }
    origins.set(key, given.origin);
    const parsed = setting.schema.safeParse(given.value);
    if (parsed.success) values[key] = parsed.data;
    else
      problems.push(
        `${given.from}: ${parsed.error.issues[0]?.message ?? "invalid"}, got ${quote(given.value)}`,
      );
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as ValuesOf<Table>;
}

/** Returns the flag for a key: `adminPort` becomes `admin-port`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Returns the environment without the variables that Kubernetes sets for services. */
function withoutServices(env: Sources["env"]): Sources["env"] {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) =>
        !SERVICE_VARIABLE.test(name) &&
        !(SERVICE_ADDRESS_NAME.test(name) && SERVICE_ADDRESS.test(value ?? "")),
    ),
  );
}

function envName(key: string): string {
  return ENV_PREFIX + flagName(key).replaceAll("-", "_").toUpperCase();
}

function firstGiven(
  key: string,
  { env }: { readonly env?: string },
  sources: Sources,
  file: Readonly<Record<string, unknown>>,
): { origin: Origin; from: string; value: unknown } | undefined {
  const flag = flagName(key);
  const candidates: (readonly [Origin, string, unknown])[] = [
    ["flag", `--${flag}`, sources.flags[key]],
    ["environment", envName(key), sources.env[envName(key)] || undefined], // empty counts as absent
    ["environment", env ?? "", env === undefined ? undefined : sources.env[env] || undefined],
    ["file", `${flag} in ${sources.file?.path}`, file[flag]],
  ];
  const found = candidates.find(([, , value]) => value !== undefined);
  return found === undefined ? undefined : { origin: found[0], from: found[1], value: found[2] };
}

function readFileValues(
  { file }: Sources,
  flags: ReadonlySet<string>,
  problems: string[],
): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  const parsed = z.record(z.string(), z.unknown()).safeParse(file.values);
  if (!parsed.success) {
    problems.push(`${file.path} must contain one JSON object of settings, such as {"port": 8080}`);
    return {};
  }
  for (const key of Object.keys(parsed.data)) {
    if (!flags.has(key)) problems.push(`${quote(key)} in ${file.path} is not a setting of any command`);
  }
  return parsed.data;
}
