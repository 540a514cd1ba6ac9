// Which NATS server a command uses: --nats-url or --context, then NATS_URL, then NATS_CONTEXT, then, for some
// commands, the context that the user selected with the `nats` command.

import type { Context } from "../lib/command.ts";
import type { ValuesOf } from "../lib/settings.ts";
import { DEFAULT_NATS_URL, describeServers, type NatsConfig } from "./nats-config.ts";
import { readContext, selectedContext } from "./nats-context.ts";
import type { natsSettings } from "./nats-settings.ts";

export type NatsValues = ValuesOf<typeof natsSettings>;

/** The parts of a command's context that the choice needs. */
type ChoiceContext = Pick<Context, "env" | "note" | "origins">;

interface NatsChoice {
  /** Undefined if neither a setting nor a context names a server. */
  readonly url: string | undefined;
  /** Servers and credentials; the default server if none is named. */
  readonly config: NatsConfig;
}

/**
 * The NATS server for a command that serves or that generates load. It ignores the selected context, because
 * a selected production context must not receive a demo. Prints one line that names the context, if it uses
 * one.
 * @throws BrokerError BAD_NATS_CONTEXT
 */
export function chooseNats(context: ChoiceContext, values: NatsValues): NatsChoice {
  return choose(context, values, contextNameOf(context, values));
}

/**
 * The NATS server for a command that sends or asks once. It uses the selected context if nothing else names a
 * server, and prints one line that names the context. @throws BrokerError BAD_NATS_CONTEXT
 */
export function chooseNatsToAsk(context: ChoiceContext, values: NatsValues): NatsConfig {
  const named = contextNameOf(context, values);
  const selected =
    named === undefined && values.natsUrl === undefined ? selectedContext(context.env) : undefined;
  return choose(context, values, named ?? selected, named === undefined ? "selected" : "named").config;
}

/** The context that a setting names, unless a server that is named with more priority overrides it. */
function contextNameOf({ origins }: ChoiceContext, { context, natsUrl }: NatsValues): string | undefined {
  if (natsUrl === undefined || origins.get("context") === "flag") return context;
  return origins.get("natsUrl") === "file" && origins.get("context") === "environment" ? context : undefined;
}

function choose(
  { env, note, origins }: ChoiceContext,
  values: NatsValues,
  name: string | undefined,
  how: "named" | "selected" = "named",
): NatsChoice {
  if (name === undefined) {
    const config = { ...configOf(values), url: values.natsUrl ?? DEFAULT_NATS_URL };
    return { url: values.natsUrl, config };
  }
  // a flag beside --context replaces a field of it; the environment does so only for a context that is not a
  // flag
  const isFlag = origins.get("context") === "flag";
  const overrides = Object.entries(configOf(values)).filter(
    ([field, value]) => value !== undefined && (!isFlag || origins.get(settingOf(field)) === "flag"),
  );
  const config: NatsConfig = { ...readContext(name, env), ...Object.fromEntries(overrides) };
  const source = how === "selected" ? ", which is selected in the nats CLI" : "";
  note(`encke: NATS context ${JSON.stringify(name)} (${describeServers(config)})${source}`);
  return { url: config.url, config };
}

function settingOf(field: string): string {
  return `nats${field.charAt(0).toUpperCase()}${field.slice(1)}`;
}

function configOf(values: NatsValues): Omit<NatsConfig, "url"> & { readonly url: string | undefined } {
  return {
    url: values.natsUrl,
    user: values.natsUser,
    password: values.natsPassword,
    token: values.natsToken,
    creds: values.natsCreds,
    nkey: values.natsNkey,
    ca: values.natsCa,
    cert: values.natsCert,
    key: values.natsKey,
  };
}
