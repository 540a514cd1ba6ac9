// A disk that fills up under a store with a change log: the log has records that the rows lack.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { follow } from "../../test/support/changes.ts";
import { withJetStream } from "../../test/support/jetstream.ts";
import { LoggedStores } from "../../test/support/logged-stores.ts";
import { natsServer } from "../../test/support/nats-servers.ts";
import { SmallDisk } from "../../test/support/small-disk.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";

const broker = withJetStream(natsServer);
const disk = SmallDisk.mount(40);
const skip = broker.skip || (disk === undefined ? "only root may mount a small disk" : false);

describe("change log, full disk", { skip, concurrency: 1 }, () => {
  const stores = new LoggedStores(broker);

  for (const leaving of [60_000, 300_001])
    it(`write of the rows that fails with ${leaving} bytes left - is made up for once there is space`, async () => {
      const directory = join(disk?.path ?? "", `graph-${leaving}`);
      const logged = await stores.open(directory);
      const { store } = logged;
      let acknowledged = 0;
      const some = () =>
        Array.from({ length: 300 }, (_, index) => follow(`reader-${acknowledged + index}`, `t${index % 20}`));
      disk?.fill(leaving);
      await assert.rejects(
        async () => {
          for (;;) {
            await store.apply(some());
            acknowledged += 300;
          }
        },
        { code: "GRAPH_DISK_FAILED" },
      );
      assert.equal(store.follows, acknowledged, "reads continue");
      assert.match(store.logTrouble ?? "", /accepts no changes/);
      await assert.rejects(store.apply(some()), { code: "GRAPH_DISK_FAILED" });

      disk?.empty();
      await waitFor("the rows to be up to date", () => store.logTrouble === undefined);
      assert.equal(store.follows, acknowledged + 300, "the log had the refused changes");
      assert.equal(
        (await store.apply(some())).every((outcome) => outcome === "unchanged"),
        true,
      );
      await stores.close(logged);
      const again = await stores.open(directory);
      assert.equal(again.store.follows, acknowledged + 300);
      const rebuilt = await stores.open(tempDir());
      assert.equal(rebuilt.store.follows, acknowledged + 300);
    });
});
