// How copies of an event reach the edges, in the mode that each edge announced; the graph follows, so a fleet may be
// mixed and moved while it runs.
//
//   subject   one message a recipient on user.<id> (subject-copies.ts)
//   frames    the event once in the edge's next frame, with the handles of its own recipients (frame-copies.ts); while
//             the edge is not in step, every event with all recipients by name (named-copies.ts)
//
// No recipient of an edge gets a copy both ways. Order: whatever is sent later is later on every way.

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

/** Followers handed over in one go: about two milliseconds, published or looked up among those who are here. */
const PUBLISHED_A_PART = 1_024;
const FRAMED_A_PART = 8_192;

export interface DistributorOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  /** The name of a follower's number. */
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

  /** Copies sent, by the way they took. */
  get counts(): { readonly subject: number; readonly frame: number; readonly named: number } {
    return { subject: this.#subject.published, frame: this.#frames.handed, named: this.#named.sent };
  }

  /** Frames sent. */
  get frames(): number {
    return this.#frames.frames;
  }

  /** What frames wait for at present, in milliseconds. */
  get tickMs(): number {
    return this.#frames.tickMs;
  }

  /** How the edges have to be sent to at this moment. It holds until the turn ends. */
  survey(): Survey {
    return this.#registry.survey();
  }

  /**
   * Hands an event to these followers, and to its author if given. A large following comes in several parts.
   * @throws GraphError GRAPH_CUT_OFF when NATS went away in the middle
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

  /** Hands a message that was sent straight to a user to the edges that do not hear it by themselves. */
  direct(event: OutgoingEvent, user: UserId): DeliveryCost {
    return this.#sendFramed(event, NO_FOLLOWERS, user, this.#registry.survey());
  }

  /** Sends what waits for one edge, before something that must not overtake it. */
  flushEdge(edge: EdgeLink): void {
    this.#frames.flushEdge(edge);
  }

  /** Sends what waits for a tick. */
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

/** Followers for which `send` takes a millisecond or two: more are better given in parts. */
export function partOf(survey: Survey): number {
  return isPublished(survey) ? PUBLISHED_A_PART : FRAMED_A_PART;
}

/** Also while no edge has announced itself: whoever is subscribed may be about to. */
function isPublished({ subject, framed }: Survey): boolean {
  return subject.length > 0 || framed === 0;
}
