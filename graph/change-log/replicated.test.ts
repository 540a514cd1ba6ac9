// A change log on three nodes, of which the leading one is killed while changes are made.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { follow, followersOf } from "../../test/support/changes.ts";
import { auditOf } from "../../test/support/graph-model.ts";
import { manageStreams } from "../../test/support/jetstream.ts";
import { JetStreamCluster, replicatedServer } from "../../test/support/jetstream-cluster.ts";
import { LoggedStore } from "../../test/support/logged-store.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";

const STREAM = "ENCKE_CHANGES";
const ELECTED_MS = 60_000;

describe(`change log on three nodes, ${replicatedServer.name}`, { skip: replicatedServer.skip }, () => {
  let cluster: JetStreamCluster;
  before(async () => {
    cluster = await JetStreamCluster.start(replicatedServer);
  });
  after(() => cluster.stop());

  it("leading node that is killed - delays changes, loses none that was acknowledged, and makes none twice", async () => {
    const directory = tempDir();
    const first = await LoggedStore.open({ directory, url: cluster.urls[0] ?? "", replicas: 3 });
    await first.store.apply([follow("first", "rj")]);
    await first.close();
    const leader = await cluster.leaderOf(STREAM);
    const urls = cluster.urls.filter((_, node) => node !== leader);
    const [one = "", other = ""] = urls;
    const { config } = await manageStreams(one, ({ streams }) => streams.info(STREAM));
    assert.equal(config.num_replicas, 3);

    const logged = await LoggedStore.open({ directory, url: one, replicas: 3 });
    const acknowledged = ["first"];
    let refused = 0;
    let isEnding = false;
    const writing = (async () => {
      for (let number = 0; !isEnding; number += 1) {
        try {
          await logged.store.apply([follow(`user-${number}`, "rj")]);
          acknowledged.push(`user-${number}`);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "GRAPH_LOG_UNAVAILABLE", String(error));
          refused += 1;
          await turn();
        }
      }
    })();
    await waitFor("some changes", () => acknowledged.length > 50);
    await cluster.kill(leader);
    await waitFor("a refusal, or changes under a new leader", () => refused > 0, ELECTED_MS);
    const soFar = acknowledged.length;
    await waitFor("changes under a new leader", () => acknowledged.length > soFar + 50, ELECTED_MS);
    await cluster.restart(leader);
    isEnding = true;
    await writing;

    const followers = followersOf(logged.store, "rj");
    assert.equal(new Set(followers).size, followers.length);
    const known = new Set(followers);
    assert.deepEqual(
      acknowledged.filter((user) => !known.has(user)),
      [],
    );
    const rebuilt = await LoggedStore.open({ directory: tempDir(), url: other, replicas: 3 });
    assert.deepEqual(await auditOf(rebuilt.store), await auditOf(logged.store));
    await rebuilt.close();
    await logged.close();
  });
});
