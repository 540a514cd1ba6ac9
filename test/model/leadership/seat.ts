// One partition at one service: it applies the log and the stream of events, and while it stands by, it
// counts silence and tries to take over. While it leads, it writes changes and check records, one at a time.
// The product's own code decides when it may do what.

import { Confirmation, Leadership, Silence } from "../../../graph/index.ts";
import type { EdgeBeat, ToOwner } from "../messages.ts";
import { Leading, type LeadingWorld } from "./leading.ts";
import type { Replica, Snapshot } from "./replica.ts";
import type { ChangeRecord, LogRecord, ReplicatedLog } from "./replicated-log.ts";
import type { LeadershipRules } from "./rules.ts";

/** How long to wait for the log's reply to a read or a write. */
const REPLY_WITHIN_MS = 1_000;
/** With `countTicks` disabled: the silence by the clock. */
const SILENT_MS = 3_000;

/** The interface through which a seat acts on the model. */
export interface SeatWorld extends LeadingWorld {
  readonly now: number;
  readonly layout: number;
  readonly log: ReplicatedLog;
  readonly isConnected: boolean;
  /** Returns the last record, and the last event, that has reached the service. */
  availableRecords(applied: number): number;
  availableEvents(applied: number): number;
  /** Sends a request to the log, whose reply may never come. */
  request<Reply>(effect: (node: number) => Reply | undefined, reply: (reply: Reply) => void): void;
  /** Sends a beat to all other services. */
  beat(term: number): void;
  /** Records what the seat does, for the checks. */
  takingOver(): void;
  acknowledged(change: ChangeRecord, sequence: number): void;
  lookedUp(replica: Replica): void;
}

interface Flight {
  readonly record: LogRecord;
  readonly sentMs: number;
}

interface Request {
  readonly user: number;
  readonly topic: number;
  readonly on: boolean;
}

/** A count of silence that can ignore records of the log. */
class CountedSilence extends Silence {
  ignoresRestarts = false;

  override restart(): void {
    if (!this.ignoresRestarts) super.restart();
  }
}

export class Seat {
  readonly #world: SeatWorld;
  readonly #rules: LeadershipRules;
  readonly #me: string;
  readonly #silence: CountedSilence;
  readonly #leadership: Leadership;
  readonly replica: Replica;
  /** The newest event that was applied. */
  events: number;
  #log: ReplicatedLog;
  #leading: Leading | undefined;
  #flight: Flight | undefined;
  #readSentMs: number | undefined;
  #signMs: number;
  #requests: Request[] = [];

  constructor(world: SeatWorld, me: string, replica: Replica, events: number) {
    this.#world = world;
    this.#rules = world.rules;
    this.#me = me;
    this.replica = replica;
    this.events = events;
    this.#log = world.log;
    this.#signMs = world.now;
    const { confirmTerm, restartAfterLateTick, termsNeverGoBack } = this.#rules;
    this.#silence = new CountedSilence(
      restartAfterLateTick ? {} : { maxTickGapMs: Number.POSITIVE_INFINITY },
    );
    this.#leadership = new Leadership({
      me,
      term: termsNeverGoBack ? replica.term : 0,
      silence: this.#silence,
      confirmation: new Confirmation(confirmTerm ? undefined : Number.POSITIVE_INFINITY),
    });
  }

  get term(): number | undefined {
    return this.#leadership.term;
  }

  /** Whether it acts as the leader. */
  get isServing(): boolean {
    return this.#mayAct && this.#leading?.term === this.term && this.#leading?.hasBegun === true;
  }

  tick(): void {
    const { now } = this.#world;
    if (this.#world.isConnected) this.#leadership.answered(now);
    this.#leadership.tick(now);
    if (this.#flight !== undefined && now - this.#flight.sentMs > REPLY_WITHIN_MS) this.#flight = undefined;
    if (this.#readSentMs !== undefined && now - this.#readSentMs > REPLY_WITHIN_MS)
      this.#readSentMs = undefined;
    if (this.term !== undefined) {
      this.#world.beat(this.term);
      if (this.#flight === undefined && this.#leadership.mustCheck(now)) this.#confirm(this.term);
    } else if (this.#mayTry) this.#try();
  }

  /** Applies what has arrived of the log and of the stream of events. */
  read(): void {
    if (!this.#world.isConnected) return;
    this.#log = this.#world.log;
    this.replica.compare(this.#world.layout, this.#log.base, this.#log.last);
    const available = this.#world.availableRecords(this.replica.applied);
    while (this.replica.applied < available)
      this.#apply(this.#log.at(this.replica.applied + 1), this.replica.applied + 1);
    this.events = Math.max(this.events, this.#world.availableEvents(this.events));
  }

  /** Loads a snapshot from the object store, where the rows are incomplete. */
  load(snapshot: Snapshot): void {
    this.replica.load(snapshot);
    if (this.#rules.termsNeverGoBack) this.#leadership.see(snapshot.term);
  }

  /** As the leader: serves edges, begins events, and writes a change. */
  serve(): void {
    if (this.term !== this.#leading?.term) this.#changeRole();
    if (this.#leading === undefined) return;
    const mayAct = this.#mayAct;
    if (mayAct || (this.#leading.hasBegun && !this.#rules.confirmFanOut)) this.#leading.act();
    if (mayAct && this.#flight === undefined) this.#change(this.#leading.term);
  }

  /** A client's change. Refused, or left without a reply, unless it can be written at once. */
  request(request: Request): void {
    if (this.#mayAct && this.#requests.length < 3) this.#requests.push(request);
  }

  /** A client's lookup. */
  lookUp(): void {
    if (this.isServing) this.#world.lookedUp(this.replica);
  }

  beat(term: number): void {
    this.#signMs = this.#world.now;
    if (this.#rules.stepDown || this.term === undefined) this.#leadership.beat(term);
  }

  edgeBeat(edge: number, beat: EdgeBeat): void {
    const { stepDown, termsNeverGoBack } = this.#rules;
    if (termsNeverGoBack && (stepDown || this.term === undefined)) this.#leadership.see(beat.owner);
    this.#leading?.hold(edge, { beat });
  }

  fromEdge(edge: number, message: ToOwner): void {
    this.#leading?.hold(edge, { message });
  }

  reconnected(): void {
    this.#leadership.reconnected();
    this.#signMs = this.#world.now;
    this.#leading?.reconnected();
  }

  /** Hands the partition over to a start of another service, which must be ready to lead. */
  handOver(leader: string): void {
    if (this.#flight !== undefined || !this.#mayAct) return;
    if (this.#rules.freezeBeforeHandOver) this.#leadership.freeze();
    this.#requests = [];
    const term = this.#leadership.nextTerm;
    this.#write({ kind: "term", term, leader }, this.replica.applied);
  }

  get #mayAct(): boolean {
    const isReady = this.replica.isComplete || !this.#rules.completeRows;
    return isReady && this.#leadership.mayAct(this.#world.now);
  }

  get #mayTry(): boolean {
    if (this.#rules.completeRows && !this.replica.isComplete) return false;
    if (this.#flight !== undefined || this.#readSentMs !== undefined) return false;
    if (this.#rules.countTicks) return this.#leadership.mayTry;
    return this.term === undefined && this.#world.now - this.#signMs >= SILENT_MS;
  }

  /** Appends a term record, which the log refuses if this service has not applied all of it. */
  #try(): void {
    if (this.#rules.applyToEnd) return this.#takeOver(this.replica.applied);
    const sentMs = this.#world.now;
    this.#readSentMs = sentMs;
    const log = this.#log;
    this.#world.request(
      (node) => log.readLast(node),
      (last) => {
        if (this.#readSentMs !== sentMs) return;
        this.#readSentMs = undefined;
        if (log === this.#log && this.#mayTry) this.#takeOver(last);
      },
    );
  }

  #takeOver(last: number): void {
    const term = this.#rules.termsNeverGoBack ? this.#leadership.nextTerm : this.#nextTermByLog(last);
    this.#world.takingOver();
    this.#write({ kind: "term", term, leader: this.#me }, last);
  }

  /** With `termsNeverGoBack` disabled: the next term by the records that are stored. */
  #nextTermByLog(last: number): number {
    let term = 0;
    for (let sequence = this.#log.base; sequence <= last; sequence += 1)
      term = Math.max(term, this.#log.at(sequence).term);
    return term + 1;
  }

  #confirm(term: number): void {
    if (this.#rules.confirmByWrite) return this.#write({ kind: "check", term }, this.replica.applied);
    const sentMs = this.#world.now;
    const log = this.#log;
    this.#world.request(
      (node) => log.readLast(node),
      (last) => {
        let newest = 0;
        for (let sequence = log.base; sequence <= last; sequence += 1)
          newest = Math.max(newest, log.at(sequence).term);
        if (newest <= term && this.term === term) this.#leadership.acknowledged(sentMs);
      },
    );
  }

  #change(term: number): void {
    const request = this.#requests.shift();
    if (request === undefined) return;
    const { user, topic, on } = request;
    const follow = this.replica.followOf(user, topic);
    if (follow.on === on) return;
    const endings = follow.endings + (on ? 0 : 1);
    this.#write({ kind: "change", term, user, topic, on, endings }, this.replica.applied);
  }

  /** Appends a record. Without a reply in time, it may have taken effect, or take effect later. */
  #write(record: LogRecord, last: number): void {
    const flight = { record, sentMs: this.#world.now };
    this.#flight = flight;
    const log = this.#log;
    const expected = this.#rules.compareAndSet ? last : undefined;
    this.#world.request(
      (node) => log.append(node, record, expected),
      (sequence) => {
        if (this.#flight !== flight) return;
        this.#flight = undefined;
        if (sequence !== "refused" && log === this.#log) this.#written(flight, sequence);
      },
    );
  }

  #written({ record, sentMs }: Flight, sequence: number): void {
    const isNext = sequence === this.replica.applied + 1;
    if (isNext) this.#apply(record, sequence);
    else if (!this.#rules.applyToEnd && record.kind === "term") this.#leadership.applied(record);
    if (record.term === this.term) this.#leadership.acknowledged(sentMs);
    if (record.kind === "change") this.#world.acknowledged(record, sequence);
  }

  #apply(record: LogRecord, sequence: number): void {
    this.replica.apply(record, sequence);
    this.#signMs = this.#world.now;
    this.#silence.ignoresRestarts = !this.#rules.recordsAreBeats && record.kind !== "term";
    this.#leadership.applied(record);
    this.#silence.ignoresRestarts = false;
    if (record.kind === "change" && !record.on)
      this.#leading?.withdraw(record.user, record.topic, record.endings);
  }

  #changeRole(): void {
    this.#requests = [];
    const seat = this;
    const applied = {
      get events(): number {
        return seat.events;
      },
      follows: (user: number, topic: number) => this.replica.followOf(user, topic).on,
    };
    this.#leading = this.term === undefined ? undefined : new Leading(this.#world, applied, this.term);
  }
}
