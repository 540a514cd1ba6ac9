// Which NATS server a command talks to.

import type { ValuesOf } from "../lib/settings.ts";
import { DEFAULT_NATS_URL, type NatsConfig } from "./nats-config.ts";
import type { natsSettings } from "./nats-settings.ts";

export type NatsValues = ValuesOf<typeof natsSettings>;

/** The NATS server that the settings name. */
export function natsConfigOf(values: NatsValues): NatsConfig {
  return {
    url: values.natsUrl ?? DEFAULT_NATS_URL,
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
