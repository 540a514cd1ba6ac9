// Where events enter the service. Each message is checked and passed to the expander in the order of arrival.
// A message that cannot be accepted is counted, and its sender receives an error if it asked for a reply.

import { BrokerError, checkPayload, topicOfEvent, userOfSubject } from "../../broker/contract.ts";
import { type BrokerClient, type Msg, replyError, replyOf } from "../../broker/index.ts";
import { GraphError } from "../errors.ts";
import type { Losses } from "../presence/losses.ts";
import type { Backlog } from "./backlog.ts";
import type { AcceptedEvent, ForFollowers, ForUser } from "./event.ts";
import type { Expander } from "./expander.ts";

export interface EventEntryOptions {
  readonly client: BrokerClient;
  /** The number of partitions. */
  readonly partitions: number;
  readonly backlog: Backlog;
  readonly expander: Pick<Expander, "add">;
  readonly losses: Losses;
}

export class EventEntry {
  readonly #options: EventEntryOptions;
  readonly counts: {
    /** Refused: the subject or the payload is malformed or too large. */
    rejected: number;
    /** Refused: too many events were waiting. */
    overloaded: number;
  } = { rejected: 0, overloaded: 0 };

  constructor(options: EventEntryOptions) {
    this.#options = options;
  }

  /** Accepts or refuses one message of `event.<topic>`. */
  receive(message: Msg): void {
    this.#accept(message, () => ({ topic: topicOfEvent(message.subject, this.#options.partitions) }));
  }

  /** Accepts or refuses one message that a producer published to `user.<id>`. */
  receiveDirect(message: Msg): void {
    this.#accept(message, () => ({ user: userOfSubject(message.subject) }));
  }

  #accept(message: Msg, parseAddressee: () => ForFollowers | ForUser): void {
    const { client, backlog, expander, losses } = this.#options;
    const reply = replyOf(message);
    let event: AcceptedEvent;
    try {
      event = { to: parseAddressee(), payload: message.data, time: new Date(), reply };
      checkPayload(message.data);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.counts.rejected += 1;
      replyError(client, reply, error);
      return;
    }
    if (backlog.add(event)) return expander.add(event);
    this.counts.overloaded += 1;
    const why = `${backlog.events} events wait already: send fewer a second, or add a partition`;
    replyError(client, reply, new GraphError("GRAPH_OVERLOADED", why));
    losses.tell("graph-overloaded");
  }
}
