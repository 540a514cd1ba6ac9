// Sends copies of an event to the edges, to each in the mode that it announced, so a fleet may be mixed and
// migrated while it runs:
//
//   subject   one message per recipient to copy.<id> (subject-copies.ts), and at the end of the turn the
//             position that the edge has reached
//   frames    the event once in the edge's next frame, with the handles of its own recipients
//             (frame-copies.ts)
//
// An edge that is not in step receives no frames: it gets the events from the history (catch-ups.ts). A
// recipient never receives both kinds of copy through one edge. Copies keep the order of `send` in both
// modes.

import { FRAME_KIND, type UserId } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import type { StoredRow } from "../history/history.ts";
import type { EdgeLink, EdgeRegistry, Survey } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import type { EdgeMessages } from "./edge-messages.ts";
import { type DeliveryCost, NO_COST, type OutgoingEvent } from "./event.ts";
import { type EdgeFilter, FrameCopies } from "./frame-copies.ts";
import { OpenedEvent } from "./opened-event.ts";
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
  readonly messages: EdgeMessages;
  /** Returns the name of a follower's id. */
  readonly nameOf: (id: number) => string;
}

export class Distributor {
  readonly #registry: EdgeRegistry;
  readonly #messages: EdgeMessages;
  readonly #subject: SubjectCopies;
  readonly #frames: FrameCopies;

  constructor({ client, registry, online, messages, nameOf }: DistributorOptions) {
    this.#registry = registry;
    this.#messages = messages;
    this.#subject = new SubjectCopies(client, nameOf);
    this.#frames = new FrameCopies({ registry, online, messages, nameOf });
  }

  /** Copies sent, by the way they were sent. */
  get counts(): { readonly subject: number; readonly frame: number } {
    return { subject: this.#subject.published, frame: this.#frames.handed };
  }

  /** Returns the edges by how events are to be sent to them. Valid until the turn of the event loop ends. */
  survey(): Survey {
    return this.#registry.survey();
  }

  /** Sends an event to its followers, who must fit into one part, and to its author if given. */
  send(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    survey: Survey,
  ): DeliveryCost {
    const framed =
      survey.framed === 0 ? NO_COST : this.#frames.send(event, followers, author, isFramedInStep);
    const cost = this.#publish(event, followers, author, survey, framed);
    if (event.counted) this.#sendPosition(event, survey);
    return cost;
  }

  /** Tells the readers of every edge in step about a hole. */
  sendHole(row: StoredRow): void {
    for (const edge of this.#registry.inStep())
      this.#messages.tell(edge, row.partition, FRAME_KIND.hole, row.body, row);
  }

  /** Begins a long event at every edge that is in step. */
  open<E extends OutgoingEvent>(event: E): OpenedEvent<E> {
    return new OpenedEvent(this.#messages, event, this.#registry.inStep());
  }

  /** Sends a part of a long event. */
  sendPart(
    { event, isOpenAt }: OpenedEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    survey: Survey,
  ): DeliveryCost {
    const framed = survey.framed === 0 ? NO_COST : this.#frames.sendPart(event, followers, author, isOpenAt);
    return this.#publish(event, followers, author, survey, framed);
  }

  /** Sends an event from the history to edges in `frames` mode that catch up. */
  resend(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    isFor: EdgeFilter,
  ): DeliveryCost {
    return this.#frames.send(event, followers, author, isFor);
  }

  /** Begins a long event from the history at edges that catch up. */
  reopen<E extends OutgoingEvent>(event: E, edges: Iterable<EdgeLink>): OpenedEvent<E> {
    return new OpenedEvent(this.#messages, event, edges);
  }

  /** Sends a part of such an event. */
  resendPart(
    { event, isOpenAt }: OpenedEvent,
    followers: Uint32Array,
    author: UserId | undefined,
  ): DeliveryCost {
    return this.#frames.sendPart(event, followers, author, isOpenAt);
  }

  /** Makes edges in `subject` mode learn, after the copies of this turn, what has begun in a partition. */
  noteBegun(partition: number, { subject }: Survey): void {
    for (const edge of subject) if (edge.presence.isInStep) this.#messages.noteMoved(edge, partition);
  }

  /** Makes edges in `subject` mode notice that copies of a partition may have been lost. */
  noteLostCopies(partition: number, { subject }: Survey = this.survey()): void {
    for (const edge of subject) if (edge.presence.isInStep) this.#messages.skip(edge, partition);
  }

  /** Makes edges in `subject` mode deliver a counted event now, because they are asked about it next. */
  #sendPosition(event: OutgoingEvent, { subject }: Survey): void {
    for (const edge of subject) if (edge.presence.isInStep) this.#messages.sendPosition(edge, event);
  }

  /** Sends all waiting frames. */
  flush(): void {
    this.#messages.flush();
  }

  #publish(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    survey: Survey,
    framed: DeliveryCost,
  ): DeliveryCost {
    if (!isPublished(survey)) return framed;
    if (event.counted) for (const { id } of survey.subject) event.asked.add(id);
    const lost = this.#subject.send(event, followers, author);
    if (lost > 0) this.noteLostCopies(event.partition, survey);
    const copies = followers.length + (author === undefined ? 0 : 1);
    return {
      messages: framed.messages + copies,
      bytes: framed.bytes + copies * event.json.length,
    };
  }
}

/** Returns the number of followers for which `send` takes a millisecond or two. More are better split. */
export function partOf(survey: Survey): number {
  return isPublished(survey) ? PUBLISHED_PER_PART : FRAMED_PER_PART;
}

function isFramedInStep({ presence }: EdgeLink): boolean {
  return presence.isInStep && presence.mode === "frames";
}

/** Also true while no edge has announced itself, because subscribed edges may be about to. */
function isPublished({ subject, framed }: Survey): boolean {
  return subject.length > 0 || framed === 0;
}
