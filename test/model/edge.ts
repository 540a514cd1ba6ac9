// An edge of the model: it holds readers' streams, tracks its position in every partition, and performs the
// seam between replayed and live events of a resumed stream: join, buffer, wait, replay, raise the cursors,
// go live.

import type { Block, EdgeBeat, Mode, Record, ToEdge, ToOwner, Withdrawal } from "./messages.ts";
import { advancedTo, type Position, START, type Vector } from "./position.ts";
import type { Rules } from "./rules.ts";

/** The interface through which an edge acts on the model. */
export interface EdgeWorld {
  readonly rules: Rules;
  readonly partitions: number;
  readonly mode: Mode;
  /** Whether the edge refuses messages of an earlier owner or presence epoch. */
  readonly fencesOwners: boolean;
  send(partition: number, message: ToOwner): void;
  /** Returns the topic of an event, as in its JSON; undefined for a direct message. */
  topicOf(partition: number, seq: number): number | undefined;
  /** Records every event that an edge writes, for the final check. */
  written(stream: Stream, partition: number, seq: number): void;
  /** Records that this edge has learned of the end of a follow. */
  withdrawn(withdrawal: Withdrawal): void;
}

interface Buffered {
  readonly partition: number;
  readonly seq: number;
  /** Long events of the partition that were open when the event arrived. */
  readonly open: readonly number[];
  /** The edge's positions when the event arrived. */
  readonly vector: Vector;
  /** True for a gap instead of an event: everything up to `seq` may be missing. */
  readonly isLate: boolean;
}

export class Stream {
  readonly id: number;
  readonly user: number;
  readonly cursor: Vector | undefined;
  state: "joining" | "replaying" | "live" = "joining";
  /** The positions after which events are buffered. */
  readonly seam: (Position | undefined)[];
  /** The last event of each partition's replay. */
  upTo: number[] = [];
  readonly replays: (readonly number[] | undefined)[];
  readonly incomplete: Set<number> = new Set();
  buffer: Buffered[] = [];
  /** Blocks that were written but not read yet. */
  readonly tcp: Block[] = [];

  constructor(id: number, user: number, cursor: Vector | undefined, partitions: number) {
    this.id = id;
    this.user = user;
    this.cursor = cursor;
    this.seam = Array.from({ length: partitions }, () => undefined);
    this.replays = Array.from({ length: partitions }, () => undefined);
  }
}

/** The state of an edge for one partition. */
class Part {
  /** The start of the current owner. */
  owner = 0;
  epoch = 0;
  delta = 0;
  acknowledged = 0;
  frames = 0;
  position: Position | undefined;
  /** Open long event → handles that receive it. */
  gathered = new Map<number, Set<number>>();
  /** `subject` mode: event → users whose copies wait for the position. */
  held = new Map<number, Set<number>>();
  /** User → the delta that announced the user; 0 in `subject` mode once a marker has arrived. */
  told = new Map<number, number>();
  /**
   * `subject` mode: the position after which copies for a user arrive. The edge's own position may be lower.
   */
  marked = new Map<number, Position>();
}

/** A handle whose user has left. It becomes free when every owner has acknowledged that. */
interface Leaving {
  readonly user: number;
  readonly handle: number;
  readonly deltas: number[];
}

export class Edge {
  readonly #world: EdgeWorld;
  readonly #parts: Part[];
  readonly streams: Set<Stream> = new Set();
  readonly #handles = new Map<number, number>();
  /** `subject` mode: user → the number of the subscription. */
  readonly #subscriptions = new Map<number, number>();
  #lastSubscription = 0;
  #leaving: Leaving[] = [];
  readonly #free: number[] = [];
  #nextHandle = 0;

  constructor(world: EdgeWorld, epoch: number) {
    this.#world = world;
    this.#parts = Array.from({ length: world.partitions }, () => new Part());
    for (const part of this.#parts) part.epoch = epoch;
  }

  get epochs(): number {
    return Math.max(...this.#parts.map(({ epoch }) => epoch));
  }

  /** Whether a stream waits for a message that may have been lost. */
  get waits(): boolean {
    return [...this.streams].some(({ state }) => state !== "live");
  }

  positionOf(partition: number): Position {
    return this.#parts[partition]?.position ?? START;
  }

  announceAll(): void {
    for (let partition = 0; partition < this.#parts.length; partition += 1) this.#announce(partition);
  }

  beatOf(partition: number): EdgeBeat {
    const { epoch, delta, owner } = this.#parts[partition] as Part;
    return { epoch, delta, owner };
  }

  open(stream: Stream): void {
    this.streams.add(stream);
    const { user } = stream;
    const handle = this.#handleOf(user);
    for (const [partition, part] of this.#parts.entries()) {
      const told = part.told.get(user);
      if (told === undefined) {
        part.delta += 1;
        part.told.set(user, part.delta);
        if (this.#world.mode === "frames") {
          const join = { user, handle };
          this.#world.send(partition, { kind: "delta", epoch: part.epoch, delta: part.delta, join });
        } else part.delta -= 1;
      } else if (this.#isCertain(part, user)) stream.seam[partition] = this.#seamOf(part, user);
    }
    if (this.#world.mode === "subject") {
      this.#subscribe(user, true);
      this.#askMarks(user);
    }
    this.#settle(stream);
  }

  /** Closes a stream after the edge has noticed that the reader is gone. */
  close(stream: Stream): void {
    if (!this.streams.delete(stream)) return;
    const { user } = stream;
    if ([...this.streams].some((other) => other.user === user)) return;
    const handle = this.#handleOf(user);
    this.#handles.delete(user);
    const deltas = this.#parts.map((part, partition) => {
      part.told.delete(user);
      part.marked.delete(user);
      if (this.#world.mode === "subject") return 0;
      part.delta += 1;
      this.#world.send(partition, { kind: "delta", epoch: part.epoch, delta: part.delta, leave: user });
      return part.delta;
    });
    this.#leaving.push({ user, handle, deltas });
    if (this.#world.mode === "subject") this.#subscribe(user, false);
    this.#releaseHandles();
  }

  /** Requests again what may have been lost. */
  askAgain(): void {
    for (const stream of this.streams) {
      if (stream.state === "joining" && this.#world.mode === "subject") this.#askMarks(stream.user);
      if (stream.state === "replaying") this.#askReplays(stream);
    }
  }

  receive(partition: number, message: ToEdge): void {
    const part = this.#parts[partition] as Part;
    if (message.kind === "announce") {
      if (message.owner <= part.owner) return;
      part.owner = message.owner;
      return this.#announce(partition);
    }
    const isCurrent = message.epoch === part.epoch && message.owner >= part.owner;
    if (this.#world.fencesOwners && !isCurrent) return;
    part.owner = Math.max(part.owner, message.owner);
    if (message.kind === "restart") return this.#announce(partition);
    switch (message.kind) {
      case "frame":
        if (this.#world.rules.fromCheck && message.number !== part.frames + 1)
          return this.#announce(partition);
        part.frames = message.number;
        this.#receiveFrame(partition, part, message.records, message.to);
        break;
      case "acknowledge":
        part.acknowledged = message.delta;
        this.#acknowledged(partition, part);
        break;
      case "copy":
        this.#receiveCopy(partition, part, message.seq, message.user);
        break;
      case "marker":
        this.#receiveMarker(partition, part, message);
        break;
      case "replayed":
        this.#receiveReplay(partition, message.stream, message.events, message.complete);
    }
    for (const stream of [...this.streams]) this.#settle(stream);
  }

  get #vector(): Vector {
    return this.#parts.map(({ position }) => position ?? START);
  }

  #handleOf(user: number): number {
    const known = this.#handles.get(user);
    if (known !== undefined) return known;
    const leaving = this.#leaving.find((one) => one.user === user);
    this.#leaving = this.#leaving.filter((one) => one !== leaving);
    const handle = leaving?.handle ?? this.#free.pop() ?? this.#nextHandle++;
    this.#handles.set(user, handle);
    return handle;
  }

  #releaseHandles(): void {
    const isFree = ({ deltas }: Leaving): boolean =>
      deltas.every((delta, partition) => delta <= (this.#parts[partition] as Part).acknowledged);
    for (const { handle } of this.#leaving.filter(isFree)) {
      this.#free.push(handle);
      if (!this.#world.rules.releaseGathered) continue;
      for (const { gathered } of this.#parts) for (const handles of gathered.values()) handles.delete(handle);
    }
    this.#leaving = this.#leaving.filter((one) => !isFree(one));
  }

  /** Begins a presence epoch with all connected users. Seams in progress in this partition start over. */
  #announce(partition: number): void {
    const part = this.#parts[partition] as Part;
    part.epoch += 1;
    part.delta = 1;
    part.acknowledged = 0;
    part.frames = 0;
    part.gathered = new Map();
    part.held = new Map();
    part.marked = new Map();
    for (const { deltas } of this.#leaving) deltas[partition] = 0;
    this.#releaseHandles();
    const users = new Map([...this.streams].map(({ user }) => [user, this.#handleOf(user)]));
    part.told = new Map([...users.keys()].map((user) => [user, 1]));
    for (const stream of this.streams) {
      if (stream.state === "live") continue;
      stream.state = "joining";
      stream.seam[partition] = undefined;
      stream.replays[partition] = undefined;
      stream.incomplete.delete(partition);
      stream.buffer = stream.buffer.filter((one) => one.partition !== partition);
    }
    const { mode } = this.#world;
    // NATS clients subscribe again before they send anything else
    if (mode === "subject")
      for (const user of users.keys()) this.#world.send(partition, { kind: "subscribe", user, on: true });
    this.#world.send(partition, {
      kind: "snapshot",
      mode,
      epoch: part.epoch,
      users,
      position: part.position,
    });
    if (mode === "subject") for (const user of users.keys()) this.#askMark(partition, user);
  }

  #isCertain(part: Part, user: number): boolean {
    const told = part.told.get(user);
    if (told === undefined || part.position === undefined) return false;
    return this.#world.mode === "frames" ? told <= part.acknowledged : told === 0;
  }

  #seamOf(part: Part, user: number): Position | undefined {
    const marked = part.marked.get(user);
    return marked !== undefined && marked.main > (part.position?.main ?? 0) ? marked : part.position;
  }

  #acknowledged(partition: number, part: Part): void {
    this.#releaseHandles();
    for (const stream of this.streams) {
      const { user, state, seam } = stream;
      if (state === "joining" && seam[partition] === undefined && this.#isCertain(part, user))
        seam[partition] = this.#seamOf(part, user);
      if (state === "replaying") this.#askReplays(stream);
    }
  }

  #receiveFrame(partition: number, part: Part, records: readonly Record[], to: number): void {
    part.position ??= START;
    for (const record of records) this.#apply(partition, part, record);
    this.#release(partition, part, to);
    this.#move(part, to);
  }

  #apply(partition: number, part: Part, record: Record): void {
    const { main, open } = part.position ?? START;
    switch (record.kind) {
      case "event":
        if (record.seq <= main) return;
        this.#move(part, record.seq);
        for (const handle of record.handles)
          this.#deliverTo(this.#userOf(handle), partition, part, record.seq);
        return;
      case "restart":
        if (record.seq <= main) return;
        this.#release(partition, part, record.seq - 1);
        this.#move(part, record.seq);
        for (const stream of this.streams) this.#deliver(stream, partition, part, record.seq);
        return;
      case "open":
        if (record.seq <= main) return;
        this.#release(partition, part, record.seq - 1);
        part.position = { main: record.seq, open: [...open, record.seq] };
        part.gathered.set(record.seq, part.gathered.get(record.seq) ?? new Set());
        return;
      case "part": {
        if (!open.includes(record.seq)) return;
        const handles = part.gathered.get(record.seq) ?? new Set<number>();
        part.gathered.set(record.seq, handles);
        for (const handle of record.handles) handles.add(handle);
        return;
      }
      case "close":
        return this.#close(partition, part, record.seq);
      case "late":
        return this.#late(partition, part, record.to);
      case "withdraw":
        return this.#withdraw(partition, record);
    }
  }

  #move(part: Part, to: number): void {
    const { main, open } = part.position ?? START;
    part.position = { main: Math.max(main, to), open };
  }

  #close(partition: number, part: Part, seq: number): void {
    const { main, open } = part.position ?? START;
    if (!open.includes(seq)) return;
    part.position = { main, open: open.filter((one) => one !== seq) };
    const users = new Set(part.held.get(seq));
    for (const handle of part.gathered.get(seq) ?? []) users.add(this.#userOf(handle));
    part.held.delete(seq);
    part.gathered.delete(seq);
    for (const user of users) this.#deliverTo(user, partition, part, seq);
  }

  #late(partition: number, part: Part, to: number): void {
    const { main, open } = part.position ?? START;
    part.position = { main: Math.max(main, to), open: open.filter((seq) => seq > to) };
    for (const seq of [...part.gathered.keys()]) if (seq <= to) part.gathered.delete(seq);
    for (const stream of this.streams) {
      if (stream.seam[partition] === undefined) continue;
      if (stream.state === "live")
        stream.tcp.push({ resync: this.#only(partition, to), cursor: this.#vector });
      else this.#buffer(stream, partition, part, to, true);
    }
  }

  #only(partition: number, main: number): Vector {
    return this.#parts.map((_, index) => (index === partition ? { main, open: [] } : START));
  }

  #receiveCopy(partition: number, part: Part, seq: number, user: number): void {
    const { main, open } = part.position ?? START;
    if (seq <= main && !open.includes(seq)) return;
    const users = part.held.get(seq) ?? new Set<number>();
    part.held.set(seq, users.add(user));
    if (this.#world.rules.positionAfterCopies || open.includes(seq)) return;
    this.#move(part, seq);
    this.#deliverTo(user, partition, part, seq);
    part.held.delete(seq);
  }

  /** Delivers the held copies up to this event in order, except those of open long events. */
  #release(partition: number, part: Part, to: number): void {
    const { open } = part.position ?? START;
    for (const seq of [...part.held.keys()].sort((a, b) => a - b)) {
      if (seq > to || open.includes(seq)) continue;
      const users = part.held.get(seq) ?? [];
      part.held.delete(seq);
      if (seq <= (part.position ?? START).main) continue;
      this.#move(part, seq);
      for (const user of users) this.#deliverTo(user, partition, part, seq);
    }
  }

  #receiveMarker(
    partition: number,
    part: Part,
    { user, subscription, at }: Extract<ToEdge, { kind: "marker" }>,
  ): void {
    if (this.#subscriptions.get(user) !== subscription || part.acknowledged === 0) return;
    part.told.set(user, 0);
    part.marked.set(user, at);
    for (const stream of this.streams) {
      if (stream.user === user && stream.state === "joining") stream.seam[partition] ??= at;
    }
  }

  #receiveReplay(partition: number, id: number, events: readonly number[], complete: boolean): void {
    const stream = [...this.streams].find((one) => one.id === id);
    if (stream?.state !== "replaying" || stream.replays[partition] !== undefined) return;
    stream.replays[partition] = events;
    if (!complete) stream.incomplete.add(partition);
  }

  #withdraw(partition: number, withdrawal: Withdrawal): void {
    const { user, topic, upTo } = withdrawal;
    this.#world.withdrawn(withdrawal);
    if (!this.#world.rules.withdraw) return;
    const isKept = (seq: number): boolean => seq > upTo || this.#world.topicOf(partition, seq) !== topic;
    for (const stream of this.streams) {
      if (stream.user !== user) continue;
      stream.buffer = stream.buffer.filter(
        (one) => one.isLate || one.partition !== partition || isKept(one.seq),
      );
      stream.replays[partition] = stream.replays[partition]?.filter(isKept);
    }
    const part = this.#parts[partition] as Part;
    // also if the user has left: the handle belongs to the user until it is released, and the user may return
    const handle = this.#handles.get(user) ?? this.#leaving.find((one) => one.user === user)?.handle ?? -1;
    for (const [seq, handles] of part.gathered) if (!isKept(seq)) handles.delete(handle);
    for (const [seq, users] of part.held) if (!isKept(seq)) users.delete(user);
  }

  #userOf(handle: number): number {
    for (const [user, known] of this.#handles) if (known === handle) return user;
    return -1;
  }

  #deliverTo(user: number, partition: number, part: Part, seq: number): void {
    for (const stream of this.streams) if (stream.user === user) this.#deliver(stream, partition, part, seq);
  }

  #deliver(stream: Stream, partition: number, part: Part, seq: number): void {
    if (stream.seam[partition] === undefined) return;
    if (stream.state === "live") this.#write(stream, partition, seq, this.#vector);
    else this.#buffer(stream, partition, part, seq, false);
  }

  #buffer(stream: Stream, partition: number, part: Part, seq: number, isLate: boolean): void {
    const { open } = part.position ?? START;
    stream.buffer.push({ partition, seq, open, vector: this.#vector, isLate });
  }

  #write(stream: Stream, partition: number, seq: number, cursor: Vector): void {
    stream.tcp.push({ partition, seq, cursor });
    this.#world.written(stream, partition, seq);
  }

  #subscribe(user: number, on: boolean): void {
    if (on && this.#subscriptions.has(user)) return;
    this.#lastSubscription += 1;
    if (on) this.#subscriptions.set(user, this.#lastSubscription);
    else this.#subscriptions.delete(user);
    for (const partition of this.#parts.keys()) this.#world.send(partition, { kind: "subscribe", user, on });
  }

  #askMarks(user: number): void {
    for (const [partition, part] of this.#parts.entries())
      if (part.told.get(user) !== 0) this.#askMark(partition, user);
  }

  #askMark(partition: number, user: number): void {
    const subscription = this.#subscriptions.get(user) ?? 0;
    this.#world.send(partition, { kind: "mark", user, subscription });
  }

  #askReplays(stream: Stream): void {
    for (const [partition, part] of this.#parts.entries()) {
      if (stream.replays[partition] !== undefined) continue;
      const after = stream.cursor?.[partition] ?? START;
      const upTo = stream.upTo[partition] as number;
      const { id, user } = stream;
      this.#world.send(partition, { kind: "replay", epoch: part.epoch, stream: id, user, after, upTo });
    }
  }

  /** Advances a stream as far as possible. */
  #settle(stream: Stream): void {
    const { cursor, seam } = stream;
    if (stream.state === "live" || seam.some((position) => position === undefined)) return;
    const { cursorAhead, waitForOpen } = this.#world.rules;
    if (stream.state === "joining") {
      stream.upTo = seam.map((position, partition) =>
        Math.max(position?.main ?? 0, cursorAhead ? (cursor?.[partition]?.main ?? 0) : 0),
      );
      const isThere = stream.upTo.every((upTo, partition) => {
        const { main, open } = this.#vector[partition] as Position;
        return main >= upTo && (cursor === undefined || !open.some((seq) => seq <= upTo));
      });
      if (!isThere && (waitForOpen || cursor === undefined)) return;
      if (cursor !== undefined) {
        stream.state = "replaying";
        for (const [partition, { main, open }] of cursor.entries()) {
          const isCovered = open.length === 0 && main >= (stream.upTo[partition] as number);
          stream.replays[partition] = isCovered ? [] : undefined;
        }
        this.#askReplays(stream);
      }
    }
    if (cursor === undefined || stream.replays.every((events) => events !== undefined)) this.#goLive(stream);
  }

  #goLive(stream: Stream): void {
    const { cursor, upTo } = stream;
    const seam = stream.seam as Position[];
    const vector: Position[] = cursor === undefined ? [...seam] : [...cursor];
    if (cursor === undefined) stream.tcp.push({ start: seam, cursor: [...vector] });
    if (stream.incomplete.size > 0) {
      for (const partition of stream.incomplete)
        vector[partition] = { main: upTo[partition] as number, open: [] };
      const resync = vector.map((position, partition) =>
        stream.incomplete.has(partition) ? position : START,
      );
      stream.tcp.push({ resync, cursor: [...vector] });
    }
    for (const [partition, events] of stream.replays.entries()) {
      if (cursor === undefined) break;
      for (const seq of stream.incomplete.has(partition) ? [] : (events ?? [])) {
        vector[partition] = advancedTo(vector[partition] as Position, seq);
        this.#write(stream, partition, seq, [...vector]);
      }
      vector[partition] = { main: upTo[partition] as number, open: [] };
    }
    this.#writeBuffer(stream, vector);
    stream.state = "live";
    stream.tcp.push({ cursor: this.#vector });
  }

  /**
   * Writes what was buffered during the seam, with cursors that are valid for what this stream has received.
   */
  #writeBuffer(stream: Stream, vector: Position[]): void {
    const { cursor, upTo } = stream;
    for (const { partition, seq, open, vector: then, isLate } of stream.buffer) {
      const end = upTo[partition] as number;
      if (cursor !== undefined && seq <= end) continue;
      const main = Math.max((vector[partition] as Position).main, seq);
      const isOpen = (long: number): boolean => long <= main && (cursor === undefined || long > end);
      vector[partition] = { main, open: open.filter(isOpen) };
      const written = this.#world.rules.raiseBuffered ? [...vector] : then;
      if (isLate) stream.tcp.push({ resync: this.#only(partition, seq), cursor: written });
      else this.#write(stream, partition, seq, written);
    }
    stream.buffer = [];
  }
}
