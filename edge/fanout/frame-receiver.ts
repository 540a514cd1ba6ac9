// Receives the graph's messages about events and delivers them: frames, long events in parts, holes, ended
// follows and replays. It checks that each message belongs to the present epoch and follows the one before
// it, and moves the edge's positions. Both fan-out modes use it; in `subject` mode frames are empty and only
// move positions, because copies arrive elsewhere (subject.ts).

import {
  bodyOf,
  decodeHandles,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  readFrame,
  readHead,
  recordsOf,
  storedUserId,
} from "../../broker/contract.ts";
import { decodeHole, decodeReplayPage, decodeWithdrawal } from "../../broker/index.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { Presence } from "../presence/presence.ts";
import type { EventTallies } from "../presence/tallies.ts";
import type { ReplayRequests } from "../seam/replay-requests.ts";
import type { Seams } from "../seam/seams.ts";
import type { FanoutCounts } from "./fanout.ts";
import type { Gathered } from "./gathered.ts";
import type { HeldCopies } from "./held-copies.ts";
import type { LiveHoles } from "./live-holes.ts";
import type { Progress } from "./progress.ts";

/** Kinds of messages that move the edge's position. */
const MOVING: ReadonlySet<FrameKind> = new Set([
  FRAME_KIND.frame,
  FRAME_KIND.counted,
  FRAME_KIND.open,
  FRAME_KIND.part,
  FRAME_KIND.close,
  FRAME_KIND.hole,
]);

export interface FrameReceiverOptions {
  readonly pool: ConnectionPool;
  readonly presence: Pick<Presence, "accepts" | "reportLost">;
  readonly tallies: EventTallies;
  readonly progress: Progress;
  readonly gathered: Gathered;
  readonly seams: Pick<Seams, "withdraw" | "skip">;
  readonly requests: Pick<ReplayRequests, "receive">;
  readonly counts: FanoutCounts;
  readonly holes: LiveHoles;
  /** Copies that wait for the position which covers them; undefined in `frames` mode. */
  readonly copies: HeldCopies | undefined;
}

export class FrameReceiver {
  readonly #options: FrameReceiverOptions;
  /** Messages that would move positions while those are held. */
  #delayed: { readonly bytes: Uint8Array; readonly head: FrameHead & { readonly kind: FrameKind } }[] = [];
  readonly #handlers: Readonly<Record<FrameKind, (bytes: Uint8Array, head: FrameHead) => boolean>>;

  constructor(options: FrameReceiverOptions) {
    this.#options = options;
    options.progress.on("released", () => this.#handleDelayed());
    options.progress.on("epoch", () => {
      this.#delayed = [];
    });
    this.#handlers = {
      [FRAME_KIND.frame]: (bytes, head) => this.#frame(bytes, head),
      [FRAME_KIND.counted]: (bytes, head) => this.#counted(bytes, head),
      [FRAME_KIND.open]: (bytes, head) => this.#open(bytes, head),
      [FRAME_KIND.part]: (bytes, head) => this.#part(bytes, head),
      [FRAME_KIND.close]: (bytes, head) => this.#close(bytes, head),
      [FRAME_KIND.hole]: (bytes, head) => this.#hole(bytes, head),
      [FRAME_KIND.withdraw]: (bytes, head) => this.#withdraw(bytes, head),
      [FRAME_KIND.replayed]: (bytes) => this.#replayed(bytes),
    };
  }

  /**
   * Handles one message. One that is malformed or belongs to another epoch is counted and dropped. After a
   * malformed or lost one, the edge asks the graph for everything since its position.
   * @throws BrokerError BAD_EVENT for a malformed notice; the client logs it
   */
  receive(bytes: Uint8Array): void {
    const { presence, progress, counts } = this.#options;
    counts.messages += 1;
    const head = readHead(bytes);
    if (head === undefined || !presence.accepts(head.presenceEpoch, head.partition)) {
      counts.rejected += 1;
      return;
    }
    if (!progress.accept(head)) {
      counts.rejected += 1;
      return presence.reportLost();
    }
    if (progress.isHeld && MOVING.has(head.kind)) this.#delayed.push({ bytes, head });
    else if (this.#handle(bytes, head)) progress.emit("move");
  }

  #handle(bytes: Uint8Array, head: FrameHead & { readonly kind: FrameKind }): boolean {
    if (this.#handlers[head.kind](bytes, head)) return true;
    this.#options.counts.rejected += 1;
    this.#options.presence.reportLost();
    return false;
  }

  #handleDelayed(): void {
    const delayed = this.#delayed;
    this.#delayed = [];
    for (const { bytes, head } of delayed) if (!this.#handle(bytes, head)) return;
  }

  #frame(bytes: Uint8Array, head: FrameHead): boolean {
    const { pool, progress, copies } = this.#options;
    copies?.release(head.partition, head.sequence);
    const records = recordsOf(bytes);
    if (records > 0) {
      const others = progress.positions.othersText(head.partition);
      if (pool.deliverFrame(bytes, progress.clock.take(records), others) < 0) return false;
    }
    progress.reach(head);
    return true;
  }

  #counted(bytes: Uint8Array, head: FrameHead): boolean {
    const { progress } = this.#options;
    progress.reach(head);
    return readFrame(bytes, FRAME_KIND.counted, ({ id, json, recipients, handleAt }) => {
      const event = new PositionedEvent(id, json, progress.cursor(head.partition));
      for (let index = 0; index < recipients; index += 1) this.#deliver(handleAt(index), event, true);
    });
  }

  #open(bytes: Uint8Array, head: FrameHead): boolean {
    const { progress, gathered, copies } = this.#options;
    copies?.release(head.partition, head.sequence - 1);
    progress.reach(head);
    progress.positions.open(head.partition, head.sequence);
    return readFrame(bytes, FRAME_KIND.open, ({ id, json }) =>
      gathered.begin(head.partition, head.sequence, id, json),
    );
  }

  #part(bytes: Uint8Array, { partition, sequence }: FrameHead): boolean {
    const handles = decodeHandles(bodyOf(bytes));
    if (handles === undefined) return false;
    this.#options.gathered.add(partition, sequence, handles);
    return true;
  }

  /** A body that is not empty says that the sender waits for a count. */
  #close(bytes: Uint8Array, { partition, sequence }: FrameHead): boolean {
    const { progress, gathered, copies } = this.#options;
    progress.positions.close(partition, sequence);
    copies?.close(partition, sequence);
    const long = gathered.take(partition, sequence);
    if (long === undefined) return true;
    const event = new PositionedEvent(long.id, long.json, progress.cursor(partition));
    const counted = bodyOf(bytes).length > 0;
    for (const handle of long.handles) this.#deliver(handle, event, counted);
    return true;
  }

  #hole(bytes: Uint8Array, head: FrameHead): boolean {
    const { progress, gathered, seams, copies, holes } = this.#options;
    const hole = decodeHole(bodyOf(bytes));
    copies?.release(head.partition, head.sequence - 1);
    progress.skip(head);
    gathered.drop(head.partition, head.sequence);
    seams.skip(head);
    holes.report(hole);
    return true;
  }

  #withdraw(bytes: Uint8Array, { partition, sequence }: FrameHead): boolean {
    const { pool, gathered, seams, copies } = this.#options;
    const { user: name, topic } = decodeWithdrawal(bodyOf(bytes));
    const user = storedUserId(name);
    copies?.withdraw(partition, sequence, topic, user);
    seams.withdraw({ partition, upTo: sequence, user, topic });
    gathered.withdraw(partition, sequence, topic, pool.table.find(user));
    return true;
  }

  #replayed(bytes: Uint8Array): boolean {
    this.#options.requests.receive(decodeReplayPage(bodyOf(bytes)));
    return true;
  }

  #deliver(handle: number, event: PositionedEvent, counted: boolean): void {
    const { pool, tallies } = this.#options;
    const delivered = pool.deliver(handle, event);
    if (!counted || delivered === undefined) return;
    const user = pool.table.nameOf(handle);
    if (user !== undefined) tallies.note(event.id, user, delivered);
  }
}
