// The NATS library's micro services, so that no reply of theirs throws. Upstream (nats 2.29): `msg.respond`
// throws where the reply is larger than the server's max_payload. INFO of a service with many endpoints may
// be; STATS throws in a promise without a handler, which ends the process. Owned by the client; one closure
// per message of a service.

import type { MsgHdrs, NatsConnection, Msg as NatsMsg, SubscriptionOptions } from "nats";

/** Replies to a message, and never throws. */
export type Respond = (message: NatsMsg, payload: Uint8Array | string | undefined, headers?: MsgHdrs) => void;

/** The same connection for `services.add`, whose subscriptions receive messages that reply by `respond`. */
export function withSafeReplies(nats: NatsConnection, respond: Respond): NatsConnection {
  const subscribe: NatsConnection["subscribe"] = (subject, options: SubscriptionOptions = {}) => {
    const { callback } = options;
    if (callback === undefined) return nats.subscribe(subject, options);
    return nats.subscribe(subject, {
      ...options,
      callback(error, message) {
        if (error === null) {
          message.respond = (payload, more) => {
            respond(message, payload, more?.headers);
            return true;
          };
        }
        callback(error, message);
      },
    });
  };
  return Object.create(nats, { subscribe: { value: subscribe } }) as NatsConnection;
}
