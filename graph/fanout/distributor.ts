// How copies of an event reach the edges, in the mode that each edge announced; the graph follows, so a fleet may be
// mixed and moved while it runs.
//
//   subject   one message a recipient on user.<id>: whoever is subscribed has it
//   frames    each edge gets, in its next frame, the event once and the handles of its own recipients; nothing for
//             those who are not connected. While an edge is not in step, every event with all recipients by name.
//
// No recipient of an edge gets a copy both ways. Order: whatever is sent later is later on every way.

import {
  edgeSubject,
  encodeNamed,
  FRAME_KIND,
  FrameWriter,
  FULL_FRAME_BYTES,
  maxNamesBytes,
  maxRecipients,
  type UserId,
  userSubject,
} from "../../broker/contract.ts";
import { type BrokerClient, eventHeaders } from "../../broker/index.ts";
import { countFitting } from "../../lib/fitting.ts";
import { GraphError } from "../errors.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { isOwnName } from "../store/names.ts";
import { Pacer } from "./pacer.ts";

const NOBODY = new Uint32Array(0);
/** Followers handed over in one go: about two milliseconds, published or looked up among those who are here. */
const PUBLISHED_A_PART = 1_024;
const FRAMED_A_PART = 8_192;
const NOTHING: DeliveryCost = { messages: 0, bytes: 0 };

/** An event as it is written to streams. */
export interface Encoded {
  readonly id: string;
  /** Where its topic, or its user, lies. */
  readonly partition: number;
  readonly json: Uint8Array;
}

/** An event on its way out. */
export interface OutgoingEvent extends Encoded {
  /** Somebody will ask how many saw it: it goes out at once, in messages of its own. */
  readonly counted: boolean;
  /** Edges that have copies, and so know who saw it. Filled by the fan-out. */
  readonly asked: Set<string>;
}

/** What one part of an event cost those who deliver it. */
export interface DeliveryCost {
  readonly messages: number;
  readonly bytes: number;
}

export interface DistributorOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  /** The name of a follower's number. */
  readonly nameOf: (id: number) => UserId;
  /** Called when something was lost on its way to an edge. */
  readonly onLoss: (reason: string) => void;
}

/** The recipients of one event on one edge. */
class Recipients {
  handles = new Uint32Array(64);
  count = 0;

  add(handle: number): void {
    if (this.count === this.handles.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.handles);
      this.handles = larger;
    }
    this.handles[this.count] = handle;
    this.count += 1;
  }
}

export class Distributor {
  readonly #options: DistributorOptions;
  readonly #pacer = new Pacer((edge) => this.#sendFrame(edge));
  /** By edge slot: scratch space, empty between events. */
  readonly #recipients: Recipients[] = [];
  readonly #touched: EdgeLink[] = [];
  /** Messages published to `user.<id>`. */
  copies = 0;
  /** Frames sent, and recipients named in them. */
  frames = 0;
  handed = 0;
  /** OutgoingEvent sent by name to edges that were not in step. */
  named = 0;

  constructor(options: DistributorOptions) {
    this.#options = options;
  }

  /** What frames wait for at present, in milliseconds. */
  get tickMs(): number {
    return this.#pacer.tickMs;
  }

  /** Followers for which `send` takes a millisecond or two: more are better given in parts. */
  get part(): number {
    const { subject, framed } = this.#options.registry.survey();
    return subject.length === 0 && framed > 0 ? FRAMED_A_PART : PUBLISHED_A_PART;
  }

  /**
   * Hands an event to these followers, and to its author if given. A large following comes in several parts.
   * @throws GraphError GRAPH_CUT_OFF when NATS went away in the middle
   */
  send(event: OutgoingEvent, followers: Uint32Array, author?: UserId): DeliveryCost {
    const survey = this.#options.registry.survey();
    const framed = survey.framed === 0 ? NOTHING : this.#frame(event, followers, author, survey.late);
    // nobody has announced anything yet: whoever is subscribed may be about to
    if (survey.subject.length === 0 && survey.framed > 0) return framed;
    for (const { id } of survey.subject) event.asked.add(id);
    const published = this.#publish(event, followers, author);
    return { messages: framed.messages + published.messages, bytes: framed.bytes + published.bytes };
  }

  /** Hands a message that was sent straight to a user to the edges that do not hear it by themselves. */
  direct(event: OutgoingEvent, user: UserId): DeliveryCost {
    return this.#frame(event, NOBODY, user, this.#options.registry.survey().late);
  }

  /** Sends what waits for one edge, before something that must not overtake it. */
  flushEdge(edge: EdgeLink): void {
    this.#sendFrame(edge);
  }

  /** Sends what waits for a tick. */
  flush(): void {
    this.#pacer.flush();
  }

  #publish(event: OutgoingEvent, followers: Uint32Array, author: UserId | undefined): DeliveryCost {
    const { client, nameOf } = this.#options;
    const headers = eventHeaders(event.id, event.counted);
    const send = (user: UserId): void => {
      if (client.publish(userSubject(user), event.json, { headers }) !== "sent") throw cutOff();
    };
    if (author !== undefined) send(author);
    for (const follower of followers) send(nameOf(follower));
    const messages = followers.length + (author === undefined ? 0 : 1);
    this.copies += messages;
    return { messages, bytes: messages * event.json.length };
  }

  #frame(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    late: readonly EdgeLink[],
  ): DeliveryCost {
    const { online, nameOf } = this.#options;
    let messages = 0;
    let bytes = 0;
    try {
      if (author !== undefined) this.#find(online.firstOf(author));
      for (const follower of followers) {
        this.#find(isOwnName(follower) ? online.first(follower) : online.firstOf(nameOf(follower)));
      }
      if (late.length > 0) bytes += this.#sendNamed(event, followers, author, late);
      for (const edge of this.#touched) {
        const recipients = this.#recipients[edge.slot] as Recipients;
        messages += recipients.count;
        bytes += event.json.length + 4 * recipients.count;
        this.#add(edge, event, recipients);
      }
    } finally {
      // whatever went wrong, the next event must not find this one's recipients
      for (const { slot } of this.#touched) (this.#recipients[slot] as Recipients).count = 0;
      this.#touched.length = 0;
    }
    this.handed += messages;
    return { messages, bytes };
  }

  #find(first: number): void {
    const { online, registry } = this.#options;
    for (let entry = first; entry !== -1; entry = online.next(entry)) {
      const slot = online.slot(entry);
      let recipients = this.#recipients[slot];
      if (recipients === undefined) {
        recipients = new Recipients();
        this.#recipients[slot] = recipients;
      }
      if (recipients.count === 0) {
        const edge = registry.at(slot);
        if (edge === undefined || !edge.inStep) continue; // has its copies by name
        this.#touched.push(edge);
      }
      recipients.add(online.handle(entry));
    }
  }

  /**
   * Adds an event to what waits for an edge, in several records where one would be too large for the NATS
   * server.
   */
  #add(edge: EdgeLink, event: OutgoingEvent, { handles, count }: Recipients): void {
    const { maxPayload } = this.#options.client;
    const max = maxRecipients(maxPayload, event.id, event.json);
    if (event.counted) this.#sendFrame(edge); // what came before it goes before it
    for (let at = 0; at < count; at += max) {
      const some = count > max ? handles.subarray(at, at + max) : handles;
      const recipients = Math.min(max, count - at);
      if (event.counted) this.#addCounted(edge, event, some, recipients);
      else this.#addRecord(edge, event, some, recipients, maxPayload);
    }
  }

  #addCounted(edge: EdgeLink, event: OutgoingEvent, handles: Uint32Array, count: number): void {
    const alone = new FrameWriter(edge.epoch);
    alone.add(event.id, event.json, handles, count);
    event.asked.add(edge.id);
    this.#send(edge, alone.take(FRAME_KIND.counted));
  }

  #addRecord(
    edge: EdgeLink,
    { id, json, partition }: OutgoingEvent,
    handles: Uint32Array,
    count: number,
    maxPayload: number,
  ): void {
    const frame = edge.frame(partition);
    if (frame.length > 0 && frame.lengthWith(id, json, count) > maxPayload) this.#sendFrame(edge);
    frame.add(id, json, handles, count);
    if (frame.length >= FULL_FRAME_BYTES) this.#sendFrame(edge);
    else this.#pacer.note(edge);
  }

  /**
   * The same messages to every edge that is not in step, several where not all names fit into one; answers
   * the bytes of all.
   */
  #sendNamed(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    late: readonly EdgeLink[],
  ): number {
    const users = Array.from(followers, this.#options.nameOf);
    if (author !== undefined) users.unshift(author);
    const { id, json, counted } = event;
    const room = { bytes: maxNamesBytes(this.#options.client.maxPayload, id, json) };
    let bytes = 0;
    for (let at = 0; at < users.length; ) {
      const to = at + countFitting(users, nameBytes, room, at);
      const message = encodeNamed({ id, json, counted, users: users.slice(at, to) });
      for (const edge of late) {
        event.asked.add(edge.id);
        this.#send(edge, message);
      }
      this.named += late.length;
      bytes += late.length * message.length;
      at = to;
    }
    return bytes;
  }

  #sendFrame(edge: EdgeLink): void {
    for (const frame of edge.frames.values()) {
      if (frame.length === 0) continue;
      this.frames += 1;
      this.#send(edge, frame.take(FRAME_KIND.frame));
    }
  }

  #send(edge: EdgeLink, message: Uint8Array): void {
    // while NATS is away nothing is sent, and service.ts lets readers resync on its return; so does a frame
    // that was filled for a server with a larger max_payload
    if (this.#options.client.publish(edgeSubject(edge.id), message) === "unfit")
      this.#options.onLoss("graph-reconnected");
  }
}

/** Of a user's name in a named copy, with the comma after it. */
function nameBytes(name: string): number {
  return name.length + 1;
}

function cutOff(): GraphError {
  return new GraphError("GRAPH_CUT_OFF", "NATS went away in the middle of an event: readers are told");
}
