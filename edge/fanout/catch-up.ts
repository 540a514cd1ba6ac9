// `subject` mode: fetches what this edge missed, after NATS or the graph was away or a message was lost. The
// graph does not know the users of this edge, so the edge asks for each user's events between its own
// position and the owners'. Meanwhile its positions stay where they are, and copies of newer events wait.
// Owned by the fan-out; at most one catch-up runs at a time.

import { type Hole, storedUserId, type UserId } from "../../broker/contract.ts";
import type { ReplayPage } from "../../broker/index.ts";
import type { UserTable } from "../pool/user-table.ts";
import type { ReplayRequests } from "../seam/replay-requests.ts";
import type { HeldCopies } from "./held-copies.ts";
import type { Markers } from "./markers.ts";
import type { Progress } from "./progress.ts";
import { replayedEvent } from "./replayed-event.ts";

export interface CatchUpOptions {
  readonly progress: Progress;
  readonly markers: Markers;
  readonly copies: HeldCopies;
  readonly requests: ReplayRequests;
  readonly table: UserTable;
  /** Tells live readers about a hole. */
  readonly onHole: (hole: Hole) => void;
}

/** A partition whose position waits. */
interface Gap {
  /** Up to where events are requested. */
  readonly upTo: number;
  /** Users whose last page has not arrived. */
  missing: number;
  holes: Hole[];
}

export class CatchUp {
  readonly #options: CatchUpOptions;
  /** By partition. */
  #gaps = new Map<number, Gap>();
  /** Increases with each catch-up, so that an interrupted one has no effect. */
  #run = 0;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    options.progress.on("epoch", () => this.#begin());
  }

  #begin(): void {
    const { progress, requests } = this.#options;
    this.#run += 1;
    this.#gaps.clear();
    requests.forget(this);
    progress.isHeld = progress.told().length > 0;
    if (progress.isHeld) void this.#fetch(this.#run);
  }

  async #fetch(run: number): Promise<void> {
    const { markers, progress, requests } = this.#options;
    let floor = await markers.prove();
    while (floor === undefined && run === this.#run) floor = await markers.prove(); // the graph is away
    if (floor === undefined || run !== this.#run) return;
    const users = this.#users();
    for (const at of progress.told()) {
      const { partition, epoch, sequence, open } = at;
      const upTo = Math.max(floor[partition] ?? 0, sequence);
      if (upTo === sequence && open.length === 0) continue;
      this.#gaps.set(partition, { upTo, missing: users.length, holes: [] });
      for (const user of users)
        requests.ask(this, partition, { user, after: { epoch, sequence, open }, upTo });
    }
    this.#finish();
  }

  receive(partition: number, user: string, page: ReplayPage): void {
    const { copies, progress, requests } = this.#options;
    const gap = this.#gaps.get(partition);
    const at = progress.positions.at(partition);
    if (gap === undefined || at === undefined) return;
    for (const json of page.events) {
      const event = replayedEvent(json);
      if (event !== undefined)
        copies.hold(event.at, { id: event.id, json: () => json }, storedUserId(user), false);
    }
    if (page.hole !== undefined) gap.holes.push(page.hole);
    if (page.last) gap.missing -= 1;
    else {
      const after = {
        epoch: at.epoch,
        sequence: Math.max(at.sequence, page.upTo),
        open: at.open.filter((open) => open > page.upTo),
      };
      requests.ask(this, partition, { user, after, upTo: gap.upTo });
    }
    this.#finish();
  }

  /** Moves on once everything has arrived. */
  #finish(): void {
    const { copies, progress, onHole } = this.#options;
    if ([...this.#gaps.values()].some(({ missing }) => missing > 0)) return;
    for (const [partition, { upTo, holes }] of this.#gaps) {
      const at = progress.positions.at(partition);
      if (at === undefined) continue;
      for (const open of at.open) {
        progress.positions.close(partition, open);
        copies.close(partition, open);
      }
      copies.release(partition, upTo);
      progress.reach({ partition, epoch: at.epoch, sequence: upTo });
      for (const hole of holes) onHole(hole);
    }
    this.#gaps.clear();
    progress.isHeld = false;
    progress.emit("released");
    progress.emit("move");
  }

  #users(): UserId[] {
    const { table } = this.#options;
    return Array.from({ length: table.capacity }, (_, handle) => table.nameOf(handle)).filter(
      (user): user is UserId => user !== undefined,
    );
  }
}
