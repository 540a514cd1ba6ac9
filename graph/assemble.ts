// Constructs the parts of a graph service. Each part is created after the parts that it needs, so data flows
// one way: an event passes from the intake, where it gets its id, into the history; the expander reads it
// there and sends it to its recipients through the fan-out and the distributor. Nothing is subscribed or
// published here.

import type { BrokerClient, Owner } from "../broker/index.ts";
import { EXPIRY_MS } from "../broker/index.ts";
import type { Logger } from "../lib/log.ts";
import { Begun } from "./fanout/begun.ts";
import { CatchUps } from "./fanout/catch-ups.ts";
import { Distributor } from "./fanout/distributor.ts";
import { EdgeMessages } from "./fanout/edge-messages.ts";
import { Expander } from "./fanout/expander.ts";
import { FanOut } from "./fanout/fan-out.ts";
import { LongEvents } from "./fanout/long-events.ts";
import { Markers } from "./fanout/markers.ts";
import { ResentRows } from "./fanout/resent-rows.ts";
import { StartingPoints } from "./fanout/starting-points.ts";
import { NARROW_WINDOW, Window } from "./fanout/window.ts";
import type { GraphStore } from "./graph-store.ts";
import type { History } from "./history/history.ts";
import { Upkeep } from "./history/upkeep.ts";
import { CoreIntake } from "./intake/core-intake.ts";
import { CountedSends } from "./intake/counted-sends.ts";
import type { EventLog } from "./intake/event-log.ts";
import type { Intake } from "./intake/intake.ts";
import { Losses } from "./intake/losses.ts";
import { Receipts } from "./intake/receipts.ts";
import { StreamIntake } from "./intake/stream-intake.ts";
import type { Partitions } from "./partitions.ts";
import { EdgeRegistry } from "./presence/edge-registry.ts";
import { EdgeRequests } from "./presence/edge-requests.ts";
import { OnlineTable } from "./presence/online-table.ts";
import { PresenceReceiver } from "./presence/presence-receiver.ts";
import { DEFAULT_REPLAY_EVENTS, PageReader } from "./replay/page-reader.ts";
import { Replays } from "./replay/replays.ts";
import { Withdrawals } from "./replay/withdrawals.ts";
import { UserLists } from "./user-lists.ts";

/** What a service is built on. */
export interface Foundation {
  readonly store: GraphStore;
  readonly history: History;
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  /** Follows the streams that number the events; undefined if this service numbers them itself. */
  readonly events?: EventLog | undefined;
  /**
   * Edges that catch up are not sent rows before this ordinal, which are too old for screens, but a hole.
   * Readers who return are sent them. Undefined if no row is.
   */
  readonly tooLateBefore?: number | undefined;
  /** Identifies this start of the service; no two starts have the same epoch. */
  readonly epoch: number;
  /** Maximum number of events that are replayed to a returning reader per partition. */
  readonly replayEvents?: number | undefined;
  readonly log: Logger;
}

/** The parts of a graph service. */
export interface ServiceParts extends Foundation {
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly receiver: PresenceReceiver;
  readonly requests: EdgeRequests;
  readonly begun: Begun;
  readonly messages: EdgeMessages;
  readonly losses: Losses;
  readonly distributor: Distributor;
  readonly window: Window;
  readonly narrowWindow: Window;
  readonly fanOut: FanOut;
  readonly long: LongEvents;
  readonly sends: CountedSends;
  readonly expander: Expander;
  readonly intake: Intake;
  /** The same intake, where streams number the events. */
  readonly streamIntake: StreamIntake | undefined;
  readonly resentRows: ResentRows;
  readonly catchUps: CatchUps;
  readonly markers: Markers;
  readonly replays: Replays;
  readonly withdrawals: Withdrawals;
  readonly upkeep: Upkeep;
  readonly lists: UserLists;
}

export function assemble(foundation: Foundation): ServiceParts {
  const { store, history, client, partitions, events, epoch, log } = foundation;
  const { replayEvents = DEFAULT_REPLAY_EVENTS } = foundation;
  const owner: Owner = { graph: epoch, partitions: partitions.owned, of: partitions.of };
  const online = new OnlineTable();
  const registry = new EdgeRegistry(EXPIRY_MS);
  registry.onGone(({ slot }) => online.removeEdge(slot));
  const requests = new EdgeRequests(client, registry);
  const begun = new Begun(history, partitions.owned);
  const messages = new EdgeMessages({ client, registry, begun });
  const losses = new Losses((partition, sinceMs) => {
    if (streamIntake !== undefined) return streamIntake.addHole(partition, sinceMs);
    history.appendHole(partition, "late", sinceMs);
    expander.wake();
  });
  const receipts = new Receipts((partition) => events?.streamOf(partition));

  const nameOf = (id: number): string => store.nameOf(id);
  const distributor = new Distributor({ client, registry, online, messages, nameOf });
  const share = partitions.owned.length / partitions.of;
  const ahead = { client, registry, requests, distributor, share };
  const window = new Window(ahead);
  const narrowWindow = new Window({ ...ahead, size: NARROW_WINDOW });
  const fanOut = new FanOut({ store, history, client, distributor, requests, losses, receipts, log });
  const long = new LongEvents({ fanOut, distributor, begun, store, window: narrowWindow });
  const sends = new CountedSends({ client, history, registry, receipts });
  const expander = new Expander({ store, history, begun, sends, distributor, fanOut, long, window });
  const accepting = { client, partitions, history, sends, reader: expander, losses };
  const streamIntake = events && new StreamIntake({ ...accepting, events, writer: epoch.toString(36), log });
  const intake: Intake = streamIntake ?? new CoreIntake(accepting);

  const resentRows = new ResentRows({
    client,
    store,
    history,
    messages,
    distributor,
    window: new Window(ahead),
    log,
  });
  const starts = new StartingPoints({
    ...{ history, begun, messages, partitions: partitions.owned },
    tooLateBefore: foundation.tooLateBefore ?? 0,
  });
  const catchUps = new CatchUps({ store, history, begun, registry, messages, starts, rows: resentRows });
  const markers = new Markers({ client, registry, messages });

  const pages = new PageReader({
    ...{ store, history, partitions, maxEvents: replayEvents },
    begun: (partition) => begun.at(partition),
    maxPayload: () => client.maxPayload,
  });
  const replays = new Replays({
    ...{ client, registry, online, store, history, messages, begun, pages, log },
    isBusy: () => expander.waiting > 0,
  });
  const withdrawals = new Withdrawals({
    ...{ client, store, history, partitions, registry, online, messages, begun },
  });

  const upkeep = new Upkeep({
    ...{ history, log },
    oldestNeeded: () => expander.oldestNeeded,
    client,
  });
  const receiver = new PresenceReceiver({
    ...{ client, registry, online, owner, log },
    fanOut: {
      sendPending: (edge) => messages.flushEdge(edge),
      catchUp: (edge, onInStep) => catchUps.start(edge, onInStep),
      positions: (edge) => messages.positions(edge, partitions.owned),
    },
  });
  const lists = new UserLists({ client, partitions, store, log });
  return {
    ...{ ...foundation, registry, online, receiver, requests, begun, messages, losses, distributor },
    ...{
      window,
      narrowWindow,
      fanOut,
      long,
      sends,
      expander,
      intake,
      streamIntake,
      resentRows,
      catchUps,
      markers,
    },
    ...{ replays, withdrawals, upkeep, lists },
  };
}
