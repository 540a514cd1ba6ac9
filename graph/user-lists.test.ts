// Lists about a user that are gathered from the owners of all partitions. The test plays the other owners.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseUserId, rowsEndpoint } from "../broker/contract.ts";
import { BrokerClient } from "../broker/index.ts";
import { createLogger } from "../lib/log.ts";
import { embedded, urlOf } from "../test/support/brokers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { GraphStore } from "./graph-store.ts";
import { Partitions } from "./partitions.ts";
import { UserLists } from "./user-lists.ts";

const log = createLogger("test", "silent");

describe("lists about a user", () => {
  it("a share truncated by a small max_payload - ends the page and loses no entry", async () => {
    const broker = await embedded.start();
    const client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "test", log, wait: false });
    /** The shares of partitions 1 and 2. The first owner's replies hold two names. */
    const shares: Readonly<Record<number, { names: string[]; next?: string }>> = {
      1: { names: ["b1", "b2"], next: "b2" },
      2: { names: ["c1"] },
    };
    for (const [partition, share] of Object.entries(shares))
      client.subscribe(rowsEndpoint(Number(partition)), (message) =>
        client.respond(message, JSON.stringify(share)),
      );
    await client.flush();
    const partitions = Partitions.parse("0/3");
    const store = await GraphStore.open(tempDir(), { partitions });
    const lists = new UserLists({ client, partitions, store, log });
    const page = await lists.page("subscriptions", parseUserId("7"), { limit: 100 });
    assert.deepEqual(page, { names: ["b1", "b2"], next: "b2" });
    await store.close();
    await client.close();
    await broker.stop();
  });
});
