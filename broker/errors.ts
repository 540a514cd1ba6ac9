// What can go wrong in this room. Codes are stable; callers match them, never the text.

import { EnckeError } from "../lib/errors.ts";

export type BrokerErrorCode =
  | "BAD_TOPIC" // not 1–4 tokens of the grammar
  | "BAD_USER" // not one token of the grammar
  | "BAD_SUBJECT" // a subject of a form that nobody serves
  | "BAD_PARTITIONS" // not a set of partitions, or not as nats-server maps them
  | "PAYLOAD_TOO_LARGE" // over MAX_PAYLOAD_BYTES, or over what the NATS server takes in one message
  | "BAD_EVENT" // bytes that claim to be an encoded event and are not
  | "BAD_NATS_URL" // NATS_URL or the credentials beside it cannot be used
  | "NATS_UNREACHABLE" // nothing answers at the address
  | "NATS_DISCONNECTED" // the connection is down at this moment
  | "NO_RESPONDERS" // nobody serves the subject
  | "REQUEST_TIMEOUT" // somebody serves it and did not answer in time
  | "ONLY_STREAM_REPLIED" // a JetStream stream stored the request, and no service replied in time
  | "NATS_SERVER_FAILED"; // the nats-server that we spawned does not come up

export class BrokerError extends EnckeError<BrokerErrorCode> {}
