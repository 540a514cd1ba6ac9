// The settings of a NATS connection, as every command that talks to NATS takes them.

import { text } from "../lib/schemas.ts";
import type { Setting } from "../lib/settings.ts";
import { DEFAULT_NATS_URL } from "./nats-config.ts";

type Text = Setting<string | undefined>;

export const natsSettings = {
  natsUrl: {
    short: "s",
    value: "URL",
    env: "NATS_URL",
    help: `NATS server (${DEFAULT_NATS_URL})`,
    schema: text,
  } as Text,
  context: {
    value: "NAME",
    env: "NATS_CONTEXT",
    help: "context of the nats CLI: a server and its credentials",
    schema: text,
  } as Text,
  natsUser: { value: "NAME", env: "NATS_USER", help: "user name", schema: text } as Text,
  natsPassword: { value: "SECRET", env: "NATS_PASSWORD", help: "password", schema: text } as Text,
  natsToken: { value: "SECRET", env: "NATS_TOKEN", help: "token", schema: text } as Text,
  natsCreds: { value: "FILE", env: "NATS_CREDS", help: "credentials file", schema: text } as Text,
  natsNkey: { value: "FILE", env: "NATS_NKEY", help: "nkey seed file", schema: text } as Text,
  natsCa: {
    value: "FILE",
    env: "NATS_CA",
    help: "certificate authority, PEM",
    schema: text,
  } as Text,
  natsCert: {
    value: "FILE",
    env: "NATS_CERT",
    help: "client certificate, PEM",
    schema: text,
  } as Text,
  natsKey: { value: "FILE", env: "NATS_KEY", help: "client key, PEM", schema: text } as Text,
};
