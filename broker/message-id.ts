// Producers' message ids: the header `Nats-Msg-Id`, with the same meaning as in JetStream. An event that is
// sent again with the same message id is stored and delivered once.

import { BrokerError } from "./errors.ts";

/** Maximum length of a message id, in bytes of UTF-8. */
const MAX_MESSAGE_ID_BYTES = 255;

const encoder = new TextEncoder();

/** Returns the message id unchanged. @throws BrokerError BAD_MESSAGE_ID if it is too long */
export function checkMessageId(messageId: string): string {
  if (messageId.length * 3 <= MAX_MESSAGE_ID_BYTES) return messageId;
  const { length } = encoder.encode(messageId);
  if (length <= MAX_MESSAGE_ID_BYTES) return messageId;
  throw new BrokerError(
    "BAD_MESSAGE_ID",
    `the Nats-Msg-Id has ${length} bytes, the maximum is ${MAX_MESSAGE_ID_BYTES}: use a shorter one`,
  );
}
