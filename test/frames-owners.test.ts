// The rules of `frames` fan-out for a partitioned graph: the test plays two graph services for a real edge.
// One service: frames-edge.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EdgeBeforeGraph } from "./support/edge-before-graph.ts";
import type { PlayedService } from "./support/played-graph.ts";
import type { Reader } from "./support/reader.ts";
import { waitFor } from "./support/wait-for.ts";

describe("an edge in frames mode, facing two played services", () => {
  const first: PlayedService = { owner: { graph: 1, partitions: [0], of: 2 }, answers: true };
  const second: PlayedService = { owner: { graph: 2, partitions: [1], of: 2 }, answers: true };
  let played: EdgeBeforeGraph;

  const frame = (partition: number, data: string, handle: number): void =>
    played.frame(partition, played.lastDelta.epoch, data, handle);

  before(async () => {
    played = await EdgeBeforeGraph.start([first, second]);
  });
  after(() => played.stop());

  it("rule 1 - writes the welcome after the owner of every partition has acknowledged", async () => {
    second.answers = false;
    const unsure = await played.read("late");
    assert.match(unsure.text, /"reason":"join-unsure"/);
    const opening = played.read("sure");
    await waitFor("the edge to announce the user", () => played.handleOf("sure") !== -1);
    played.acknowledge(second);
    second.answers = true;
    assert.doesNotMatch((await opening).text, /resync/);
  });

  it("a handle - is reused only after both services have acknowledged the leave", async () => {
    const gone = await played.read("gone");
    const handle = played.handleOf("gone");
    second.answers = false;
    gone.close();
    await waitFor("the edge to announce that they left", () =>
      played.deltas.some(({ leaves }) => leaves.includes(handle)),
    );
    const next = await played.read("next");
    assert.notEqual(played.handleOf("next"), handle, "the second service may still use the old handle");
    second.answers = true;
    played.acknowledge(second);
    await played.read("other");
    assert.equal(played.handleOf("other"), handle);
    next.close();
  });

  it("a restarted service - causes one resync per stream, sent once both services know all users", async () => {
    const ann = await played.read("ann");
    second.owner = { ...second.owner, graph: 3 };
    second.answers = false;
    for (let twice = 0; twice < 2; twice += 1) played.announce(second);
    const { epoch } = played.lastDelta;
    await waitFor("a new epoch", () => played.lastDelta.epoch === epoch + 1);
    played.acknowledge(first);
    await played.client.flush();
    assert.doesNotMatch(ann.text, /resync/, "the restarted service does not know the users yet");
    second.answers = true;
    played.acknowledge(second);
    await ann.until(/event: resync\ndata: \{"reason":"graph-restarted"\}/);
    await played.read("afterwards");
    assert.equal(ann.text.match(/resync/g)?.length, 1);
    assert.equal(played.lastDelta.epoch, epoch + 1, "one epoch per restart");
  });

  it("a service with another number of partitions - is refused, and does not displace the known services", async () => {
    const ann = await played.read("ann");
    const { epoch } = played.lastDelta;
    for (let round = 0; round < 20; round += 1) {
      played.acknowledge({ owner: { graph: 9, partitions: [7], of: 8 }, answers: true });
      played.acknowledge(first);
      played.acknowledge(second);
    }
    const bob = await played.read("bob");
    assert.doesNotMatch(ann.text + bob.text, /resync/);
    assert.equal(played.lastDelta.epoch, epoch);
  });

  it("a silent service - does not stop the other's events; once its handles are reused its frames are refused until it returns", async () => {
    const ann = await played.read("ann");
    const gone = await played.read("gone");
    const handle = played.handleOf("gone");
    second.answers = false;
    gone.close();
    let heir: Reader | undefined;
    let opened = 0;
    await waitFor("its handles to be reused", async () => {
      opened += 1;
      heir = await played.read(`heir${opened}`);
      assert.match(heir.text, /"reason":"join-unsure"/, "no service acknowledges for partition 1");
      return played.handleOf(`heir${opened}`) === handle;
    });
    frame(1, "not yours", handle);
    frame(0, "yours", handle);
    frame(0, "goes on", played.handleOf("ann"));
    await Promise.all([heir?.until(/"data":"yours"/), ann.until(/"data":"goes on"/)]);
    assert.doesNotMatch(heir?.text ?? "", /not yours/);
    assert.equal(played.edge.notReady, undefined, "the edge stays ready while one service is there");

    const { epoch } = played.lastDelta;
    second.answers = true;
    played.acknowledge(second);
    await ann.until(/event: resync\ndata: \{"reason":"graph-restarted"\}/);
    await waitFor("a new epoch", () => played.lastDelta.epoch === epoch + 1);
    const sure = await played.read("sure-again");
    assert.doesNotMatch(sure.text, /resync/);
    frame(1, "welcome back", played.handleOf("ann"));
    await ann.until(/"data":"welcome back"/);
  });
});
