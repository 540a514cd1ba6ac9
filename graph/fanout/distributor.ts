// Sends copies of an event to the edges, to each in the mode that it announced, so a fleet may be mixed and
// migrated while it runs:
//
//   subject   one message per recipient to copy.<id> (subject-copies.ts)
//   frames    the event once in the edge's next frame, with the handles of its own recipients
//             (frame-copies.ts); while the edge is not synchronized, every event with all recipients
//             by name (named-copies.ts)
//
// A recipient never receives both kinds of copy through one edge. Copies keep the order of `send` in every
// mode.

import type { UserId } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeLink, EdgeRegistry, Survey } from "../presence/edge-registry.ts";
import type { Losses } from "../presence/losses.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { EdgeSender } from "./edge-sender.ts";
import { type DeliveryCost, NO_COST, NO_FOLLOWERS, type OutgoingEvent } from "./event.ts";
import { FrameCopies } from "./frame-copies.ts";
import { NamedCopies } from "./named-copies.ts";
import { SubjectCopies } from "./subject-copies.ts";

/**
 * Followers per call of `send`, which then takes about two milliseconds: published to, or looked up among
 * users online.
 */
const PUBLISHED_PER_PART = 1_024;
const FRAMED_PER_PART = 8_192;

export interface DistributorOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  /** Returns the name of a follower's id. */
  readonly nameOf: (id: number) => string;
  readonly losses: Losses;
}

export class Distributor {
  readonly #registry: EdgeRegistry;
  readonly #subject: SubjectCopies;
  readonly #frames: FrameCopies;
  readonly #named: NamedCopies;

  constructor({ client, registry, online, nameOf, losses }: DistributorOptions) {
    const sender = new EdgeSender(client, losses);
    this.#registry = registry;
    this.#subject = new SubjectCopies(client, nameOf);
    this.#frames = new FrameCopies({ client, registry, online, sender, nameOf });
    this.#named = new NamedCopies(client, sender, nameOf);
  }

  /** Copies sent, by the way they were sent. */
  get counts(): { readonly subject: number; readonly frame: number; readonly named: number } {
    return { subject: this.#subject.published, frame: this.#frames.handed, named: this.#named.sent };
  }

  /** Frames sent. */
  get frames(): number {
    return this.#frames.frames;
  }

  /** The present delay of frames, in milliseconds. */
  get tickMs(): number {
    return this.#frames.tickMs;
  }

  /** Returns the edges by how events are to be sent to them. Valid until the turn of the event loop ends. */
  survey(): Survey {
    return this.#registry.survey();
  }

  /**
   * Sends an event to these followers, and to its author if given. A large following is passed in several
   * calls.
   * @throws GraphError GRAPH_CUT_OFF if NATS disconnects in the middle
   */
  send(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    survey: Survey,
  ): DeliveryCost {
    const framed = this.#sendFramed(event, followers, author, survey);
    if (!isPublished(survey)) return framed;
    for (const { id } of survey.subject) event.asked.add(id);
    const published = this.#subject.send(event, followers, author);
    return { messages: framed.messages + published.messages, bytes: framed.bytes + published.bytes };
  }

  /**
   * Sends a message to its only recipient.
   * @throws GraphError GRAPH_CUT_OFF if NATS disconnects
   */
  direct(event: OutgoingEvent, user: UserId): DeliveryCost {
    return this.send(event, NO_FOLLOWERS, user, this.survey());
  }

  /** Sends the frames that wait for one edge, before a message that must not overtake them. */
  flushEdge(edge: EdgeLink): void {
    this.#frames.flushEdge(edge);
  }

  /** Sends all waiting frames. */
  flush(): void {
    this.#frames.flush();
  }

  #sendFramed(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    { framed, late }: Survey,
  ): DeliveryCost {
    if (framed === 0) return NO_COST;
    const { messages, bytes } = this.#frames.send(event, followers, author);
    if (late.length === 0) return { messages, bytes };
    return { messages, bytes: bytes + this.#named.send(event, followers, author, late) };
  }
}

/** Returns the number of followers for which `send` takes a millisecond or two. More are better split. */
export function partOf(survey: Survey): number {
  return isPublished(survey) ? PUBLISHED_PER_PART : FRAMED_PER_PART;
}

/** Also true while no edge has announced itself, because subscribed edges may be about to. */
function isPublished({ subject, framed }: Survey): boolean {
  return subject.length > 0 || framed === 0;
}
