// Readers whose machine vanishes silently stop counting as online after the reader timeout, in each pool,
// with or without the addon.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, describe, it } from "node:test";
import { Hono } from "hono";
import { parseUserId } from "../../broker/contract.ts";
import { embedded } from "../../test/support/brokers.ts";
import { FarMachine, skipFarMachine } from "../../test/support/far-machine.ts";
import { TestNetwork } from "../../test/support/network.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { POOL_KINDS } from "../config.ts";
import { text } from "../formats/text.ts";
import { hasPoolAddon, loadPoolAddon } from "../pool/native/addon.ts";
import { SocketPool } from "../pool/plain/socket-pool.ts";
import { Unacknowledged } from "../pool/plain/unacknowledged.ts";
import { DEFAULT_LIMITS } from "../pool/pool.ts";
import { holdSockets } from "./holders.ts";
import { createNodeServer, markHeld } from "./server.ts";
import { endVanished } from "./vanished.ts";

const withoutAddon = hasPoolAddon() ? false : "the addon was not built here";
const TIMEOUT_MS = 2_000;
const HEARTBEAT_MS = 1_000;
/** A heartbeat, the timeout, and the kernel's own interval between two retransmissions. */
const GONE_WITHIN_MS = 8_000;

describe("readers whose machine vanishes", { skip: skipFarMachine }, () => {
  let far: FarMachine;
  before(() => {
    far = new FarMachine();
  });
  afterEach(() => far.return());
  after(() => far?.stop());

  /** Cuts the cable and waits. The stream must end after the timeout, but not much later. */
  const untilGone = async (isGone: () => boolean | Promise<boolean>): Promise<void> => {
    far.vanish();
    const fromMs = performance.now();
    await waitFor("the reader to be gone", isGone, GONE_WITHIN_MS);
    assert.ok(performance.now() - fromMs >= TIMEOUT_MS - HEARTBEAT_MS, "it was given its time");
  };

  for (const pool of POOL_KINDS) {
    for (const traffic of ["quiet", "busy"] as const) {
      it(`${pool} pool, a ${traffic} stream - is offline and receives nothing after the timeout`, {
        skip: withoutAddon,
      }, async () => {
        const network = await TestNetwork.start({
          ...{ broker: embedded, fleet: ["frames"], follows: [["bob", "ann"]] },
          edge: {
            ...{ listen: { host: far.here, port: 0 }, allowAnonymous: true, pool },
            ...{ readerTimeoutMs: TIMEOUT_MS, heartbeatMs: HEARTBEAT_MS },
          },
        });
        try {
          await network.ready();
          const url = new URL(`http://${far.here}:${network.edges[0]?.port}/stream?user=ann`);
          await far.read(url);
          const send = async (): Promise<readonly number[]> => {
            const { online, delivered } = await network.send("event.ann", "are you there?");
            return [online, delivered];
          };
          const online = async (): Promise<readonly string[]> =>
            (await network.client.request("graph.online.bob", "", 2_000)).json<{ online: string[] }>().online;
          assert.deepEqual(await send(), [1, 1]);
          assert.deepEqual(await online(), ["ann"]);
          await untilGone(async () =>
            traffic === "quiet" ? (await online()).length === 0 : (await send())[0] === 0,
          );
          assert.deepEqual(await send(), [0, 0]);
        } finally {
          await network.stop();
        }
      });
    }
  }

  it("plain pool without the addon - ends the stream of a vanished reader after the timeout, and no other", async () => {
    const ended: string[] = [];
    const pool = new SocketPool({ ...DEFAULT_LIMITS, heartbeatMs: HEARTBEAT_MS / 2 });
    pool.onEnd((users) => ended.push(...users));
    const app = new Hono().get("/:user", (c) =>
      markHeld(
        c,
        { users: [parseUserId(c.req.param("user"))], format: text, opening: "welcome\n", cursor: "0" },
        {},
      ),
    );
    const server = createNodeServer({ app, holder: holdSockets(pool), onAbandoned: () => {} });
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      assert.equal(endVanished(server, pool, TIMEOUT_MS, undefined), "pool");
      await far.read(new URL(`http://${far.here}:${port}/ann`));
      const near = await fetch(`http://127.0.0.1:${port}/bob`);
      await untilGone(() => pool.size === 1);
      assert.deepEqual(ended, ["ann"]);
      assert.equal(pool.counts.closed.error, 1);
      assert.equal(pool.size, 1);
      await near.body?.cancel();
    } finally {
      await pool.drain({ perSecond: 1_000, deadlineMs: 0 });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("the reader timeout", () => {
  for (const pool of POOL_KINDS) {
    it(`${pool} pool - sets the timeout as TCP_USER_TIMEOUT of accepted connections`, {
      skip: withoutAddon,
    }, async () => {
      const network = await TestNetwork.start({ broker: embedded, edge: { pool, readerTimeoutMs: 61_234 } });
      try {
        const listening = socketsWith(61_234);
        assert.equal(listening, 1);
        await network.read("/stream?user=ann");
        assert.equal(socketsWith(61_234), listening + 1);
      } finally {
        await network.stop();
      }
    });
  }

  it("UNIX socket - listens without the timeout", async () => {
    const path = `${tempDir()}/edge.sock`;
    const network = await TestNetwork.start({
      ...{ broker: embedded, edge: { listen: { path }, allowAnonymous: true } },
    });
    await network.stop();
  });

  it("silence in the kernel's table - is counted from the first retransmission, and from zero after an acknowledgement", () => {
    const unacknowledged = new Unacknowledged(1_000);
    const row = (inode: number, again: number, asked = 0, state = "01"): string =>
      `   1: 0100007F:1F90 0100007F:D2F0 ${state} 00000010:00000000 01:00000014 ${again.toString(16).toUpperCase().padStart(8, "0")}     0        ${asked} ${inode} 2 0000000000000000 20 4 30 10 -1\n`;
    const look = (atMs: number, ...rows: string[]): number[] => [
      ...unacknowledged.look(`  sl  local_address rem_address\n${rows.join("")}`, atMs),
    ];
    assert.deepEqual(look(0, row(7, 0), row(8, 1), row(9, 0, 2), row(10, 3), row(11, 9, 0, "06")), []);
    assert.deepEqual(look(900, row(7, 1), row(8, 11), row(9, 0, 3), row(10, 1), row(11, 9, 0, "06")), []);
    assert.deepEqual(look(1_000, row(7, 2), row(8, 12), row(9, 0, 3), row(10, 2)), [8, 9]);
    assert.deepEqual(look(1_900, row(7, 3), row(8, 0), row(10, 3)), [7, 10]);
    assert.deepEqual(look(2_000, row(8, 1)), []);
  });
});

/** Returns how many descriptors of this process are sockets with this TCP_USER_TIMEOUT. */
function socketsWith(ms: number): number {
  const { userTimeout } = loadPoolAddon();
  return readdirSync("/proc/self/fd").filter((fd) => userTimeout(Number(fd)) === ms).length;
}
