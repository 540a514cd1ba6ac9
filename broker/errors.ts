// The errors of this folder, and what remote callers are told about each, over HTTP and over NATS alike.
// Codes are stable: callers match them, never the text.

import { type Disclosure, EnckeError } from "../lib/errors.ts";

const DISCLOSURES = {
  // not 1–4 tokens of the grammar
  BAD_TOPIC: { status: 400, shown: true },
  // not one token of the grammar
  BAD_USER: { status: 400, shown: true },
  // a subject that no service of ours serves
  BAD_SUBJECT: { status: 400, shown: true },
  // not a set of partitions, or not as nats-server maps them
  BAD_PARTITIONS: { status: 400, shown: true },
  // over MAX_PAYLOAD_BYTES, or over what the NATS server takes in one message
  PAYLOAD_TOO_LARGE: { status: 413, shown: true },
  // the Nats-Msg-Id of an event is too long
  BAD_MESSAGE_ID: { status: 400, shown: true },
  // bytes that claim to be an encoded event or an internal message and are not
  BAD_EVENT: { status: 500, shown: false },
  // NATS_URL, or the credentials given with it, cannot be used
  BAD_NATS_URL: { status: 500, shown: false },
  // a context of the nats CLI is missing, malformed, or uses what is not supported
  BAD_NATS_CONTEXT: { status: 500, shown: false },
  // no NATS server accepts a connection at the address
  NATS_UNREACHABLE: { status: 500, shown: false },
  // the nats-server that we started does not come up
  NATS_SERVER_FAILED: { status: 500, shown: false },
  // the connection is down at this moment
  NATS_DISCONNECTED: { status: 503, shown: true },
  // no service subscribes to the subject
  NO_RESPONDERS: { status: 503, shown: true },
  // a service subscribes to the subject and did not reply in time
  REQUEST_TIMEOUT: { status: 503, shown: true },
  // the server or the account has no JetStream
  NO_JETSTREAM: { status: 503, shown: false },
  // our credentials do not permit JetStream's API
  JETSTREAM_DENIED: { status: 500, shown: false },
  // JetStream does not reply, for example while a stream has no leader
  JETSTREAM_UNAVAILABLE: { status: 503, shown: true },
  // JetStream refused a request
  STREAM_REFUSED: { status: 500, shown: false },
  // a header of an event would make the stream refuse it, or do more than store it
  BAD_HEADER: { status: 400, shown: true },
  // a JetStream stream stored the request, and no service replied in time
  ONLY_STREAM_REPLIED: { status: 503, shown: true },
} as const;

export type BrokerErrorCode = keyof typeof DISCLOSURES;

export class BrokerError extends EnckeError<BrokerErrorCode> {
  override get disclosure(): Disclosure {
    return DISCLOSURES[this.code];
  }
}
