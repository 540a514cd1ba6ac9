// Separate processes that are killed while they make changes through a change log: at random moments, and
// between the log's acknowledgement and the write of the rows.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { urlOf } from "../../test/support/brokers.ts";
import { ChangingProcess } from "../../test/support/changing-process.ts";
import { auditOf, GraphModel, rowsOf } from "../../test/support/graph-model.ts";
import { type JetStreamBroker, manageStreams, withJetStream } from "../../test/support/jetstream.ts";
import { LoggedStore } from "../../test/support/logged-store.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { changesOf } from "../../test/support/random-changes.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { GraphStore } from "../graph-store.ts";

const ROUNDS = 6;

for (const server of natsServers) {
  const broker = withJetStream(server);
  describe(`change log, killed - ${broker.name}`, { skip: broker.skip, concurrency: 1 }, () => {
    let started: JetStreamBroker;
    before(async () => {
      started = await broker.start();
    });
    after(() => started.stop());
    const deleteStream = (): Promise<boolean> =>
      manageStreams(urlOf(started), ({ streams }) => streams.delete("ENCKE_CHANGES"));

    it("kill -9 between the log and the rows - the next start makes every change that the log has", async () => {
      const directory = tempDir();
      const model = new GraphModel();
      let sequence = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const dieAfter = 2 + round * 5; // the first record of all is a layout
        const process = new ChangingProcess(directory, round, { nats: urlOf(started), dieAfter });
        await process.untilExit();
        const plain = await GraphStore.open(directory);
        const written = plain.audit.last;
        await plain.close();

        const logged = await LoggedStore.open({ directory, url: urlOf(started) });
        assert.ok(logged.store.audit.last > written, "the rows lacked what the log had");
        await process.check(logged.store, model, sequence);
        sequence = logged.store.audit.last;
        await logged.close();
      }
      const rebuilt = await LoggedStore.open({ directory: tempDir(), url: urlOf(started) });
      model.assertEqual(rebuilt.store);
      await rebuilt.close();
      await deleteStream();
    });

    it("kill -9 after the first record of a log - the next start recognizes the record as its own", async () => {
      for (const hasRows of [false, true]) {
        const directory = tempDir();
        const plain = await GraphStore.open(directory);
        if (hasRows) await plain.apply(changesOf(1, 1));
        const rows = rowsOf(plain);
        await plain.close();
        const process = new ChangingProcess(directory, 1, { nats: urlOf(started), dieAfter: 1 });
        await process.untilExit();
        const logged = await LoggedStore.open({ directory, url: urlOf(started) });
        assert.deepEqual([rowsOf(logged.store), logged.store.appliedIn(0)], [rows, 1]);
        await logged.close();
        await deleteStream();
      }
    });

    it(`${ROUNDS} rounds of kill -9 - lose no acknowledged change, and the log alone makes the same rows`, async () => {
      const directory = tempDir();
      const model = new GraphModel();
      let sequence = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const process = new ChangingProcess(directory, round, { nats: urlOf(started) });
        const enough = 50 + ((round * 37) % 300);
        await waitFor(`${enough} acknowledged`, () => process.acknowledged >= enough);
        await process.kill();
        const logged = await LoggedStore.open({ directory, url: urlOf(started) });
        await process.check(logged.store, model, sequence);
        sequence = logged.store.audit.last;
        await logged.close();
      }
      const [kept, rebuilt] = [
        await LoggedStore.open({ directory, url: urlOf(started) }),
        await LoggedStore.open({ directory: tempDir(), url: urlOf(started) }),
      ];
      assert.deepEqual(rowsOf(rebuilt.store), rowsOf(kept.store));
      assert.deepEqual(await auditOf(rebuilt.store), await auditOf(kept.store));
      await kept.close();
      await rebuilt.close();
    });
  });
}
