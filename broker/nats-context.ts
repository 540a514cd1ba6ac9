// The contexts of the `nats` command: named servers with their credentials, one JSON file each, of which the
// user may have selected one (https://github.com/nats-io/jsm.go/tree/main/natscontext). They are read here
// and never written.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";
import { DEFAULT_NATS_URL, type NatsConfig } from "./nats-config.ts";

/** The variables that locate the folder of contexts. */
export type ContextEnvironment = Readonly<Record<string, string | undefined>>;

const text = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value));
const contextSchema = z.looseObject({
  url: text,
  user: text,
  password: text,
  token: text,
  creds: text,
  nkey: text,
  ca: text,
  cert: text,
  key: text,
});
/**
 * Fields that change how to connect and that Encke does not implement: ignoring one could reach the wrong
 * server or account.
 */
const UNSUPPORTED = ["socks_proxy", "nsc", "user_jwt", "user_seed", "tls_first", "inbox_prefix"];

/** Name of the selected context; undefined if none is selected. */
export function selectedContext(env: ContextEnvironment): string | undefined {
  const path = join(folderOf(env), "context.txt");
  const name = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return name === "" ? undefined : name;
}

/**
 * Server and credentials of a context. @throws BrokerError BAD_NATS_CONTEXT if it is missing, malformed or
 * unsupported
 */
export function readContext(name: string, env: ContextEnvironment): NatsConfig {
  const refuse = (why: string, cause?: unknown): never => {
    throw new BrokerError(
      "BAD_NATS_CONTEXT",
      `the NATS context ${quote(name)} ${why}: see \`nats context ls\`, or use -s URL`,
      { cause },
    );
  };
  if (/[/\\]|\.\./.test(name)) refuse("is no name of a context");
  const path = join(folderOf(env), "context", `${name}.json`);
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    return refuse(`cannot be read (${messageOf(cause)})`, cause);
  }
  const parsed = contextSchema.safeParse(file);
  if (!parsed.success) return refuse(`is malformed (${parsed.error.issues[0]?.message} in ${path})`);
  const { url = DEFAULT_NATS_URL, user, password, token, ...rest } = parsed.data;
  const unsupported = UNSUPPORTED.filter((field) => Boolean(rest[field]));
  if (unsupported.length > 0) refuse(`uses ${unsupported.join(", ")}, which Encke does not support`);
  const { creds, nkey, ca, cert, key } = rest;
  const [credsPath, nkeyPath, caPath, certPath, keyPath] = [creds, nkey, ca, cert, key].map((value) =>
    value?.replace(/^~(?=\/)/, homeOf(env)),
  );
  return {
    url,
    user,
    password,
    token,
    creds: credsPath,
    nkey: nkeyPath,
    ca: caPath,
    cert: certPath,
    key: keyPath,
  };
}

function folderOf(env: ContextEnvironment): string {
  return join(env.XDG_CONFIG_HOME || join(homeOf(env), ".config"), "nats");
}

function homeOf(env: ContextEnvironment): string {
  return env.HOME || homedir();
}
