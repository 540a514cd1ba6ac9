// Constructs the parts of a graph service. Each part is created after the parts that it needs, so data flows
// one way: an event passes from the entry to the expander, which sends it to its recipients through the
// fan-out and the distributor. Nothing is subscribed or published here.

import type { BrokerClient, Owner } from "../broker/index.ts";
import { EXPIRY_MS } from "../broker/index.ts";
import type { Logger } from "../lib/log.ts";
import { Backlog } from "./fanout/backlog.ts";
import { Bridge } from "./fanout/bridge.ts";
import { Distributor } from "./fanout/distributor.ts";
import { EventEntry } from "./fanout/event-entry.ts";
import { Expander } from "./fanout/expander.ts";
import { FanOut } from "./fanout/fan-out.ts";
import { LongEvents } from "./fanout/long-events.ts";
import { TopicIds } from "./fanout/topic-ids.ts";
import { NARROW_WINDOW, Window } from "./fanout/window.ts";
import type { GraphStore } from "./graph-store.ts";
import type { Partitions } from "./partitions.ts";
import { EdgeRegistry } from "./presence/edge-registry.ts";
import { EdgeRequests } from "./presence/edge-requests.ts";
import { Losses } from "./presence/losses.ts";
import { OnlineTable } from "./presence/online-table.ts";
import { PresenceReceiver } from "./presence/presence-receiver.ts";
import { UserLists } from "./user-lists.ts";

/** What a service is built on. */
export interface Foundation {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  /** Identifies this start of the service; no two starts have the same epoch. */
  readonly epoch: number;
  readonly log: Logger;
}

/** The parts of a graph service. */
export interface ServiceParts extends Foundation {
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly receiver: PresenceReceiver;
  readonly requests: EdgeRequests;
  readonly losses: Losses;
  readonly distributor: Distributor;
  readonly window: Window;
  readonly narrowWindow: Window;
  readonly fanOut: FanOut;
  readonly long: LongEvents;
  readonly backlog: Backlog;
  readonly expander: Expander;
  readonly entry: EventEntry;
  readonly bridge: Bridge;
  readonly lists: UserLists;
}

export function assemble(foundation: Foundation): ServiceParts {
  const { store, client, partitions, epoch, log } = foundation;
  const owner: Owner = { graph: epoch, partitions: partitions.owned, of: partitions.of };
  const online = new OnlineTable();
  const registry = new EdgeRegistry(EXPIRY_MS);
  registry.onGone(({ slot }) => online.removeEdge(slot));
  const requests = new EdgeRequests(client, registry);
  const losses = new Losses(client);

  const nameOf = (id: number): string => store.nameOf(id);
  const distributor = new Distributor({ client, registry, online, nameOf, losses });
  const share = partitions.owned.length / partitions.of;
  const ahead = { client, registry, requests, distributor, share };
  const window = new Window(ahead);
  const narrowWindow = new Window({ ...ahead, size: NARROW_WINDOW });
  const backlog = new Backlog();
  const ids = new TopicIds(partitions, epoch);
  const fanOut = new FanOut({ store, client, ids, backlog, distributor, requests, losses, log });
  const long = new LongEvents({ fanOut, store, window: narrowWindow });
  const expander = new Expander({ store, fanOut, long, window });
  const entry = new EventEntry({ client, partitions: partitions.of, backlog, expander, losses });

  const bridge = new Bridge({ client, registry, partitions, entry });
  const receiver = new PresenceReceiver({
    ...{ client, registry, online, owner, log },
    openBridge: () => bridge.open(),
    sendPending: (edge) => distributor.flushEdge(edge),
  });
  const lists = new UserLists({ client, partitions, store, log });
  return {
    ...{ ...foundation, registry, online, receiver, requests, losses, distributor, window, narrowWindow },
    ...{ fanOut, long, backlog, expander, entry, bridge, lists },
  };
}
