// The rules of `frames` fan-out for a partitioned graph: the test plays two graph services for a real edge.
// One service: frames-edge.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EdgeBeforeGraph } from "./support/edge-before-graph.ts";
import type { PlayedService } from "./support/played-graph.ts";
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
    let isOpen = false;
    const opening = played.read("late").then((reader) => {
      isOpen = true;
      return reader;
    });
    await waitFor("the edge to announce the user", () => played.handleOf("late") !== -1);
    const messages = played.graph.received.length;
    await waitFor("a beat", () => played.graph.received.length > messages);
    assert.equal(isOpen, false);
    played.acknowledge(second);
    second.answers = true;
    assert.match((await opening).text, /welcome/);
  });

  it("a handle - is reused only after both services have acknowledged the leave", async () => {
    const gone = await played.read("gone");
    const handle = played.handleOf("gone");
    second.answers = false;
    gone.close();
    await waitFor("the edge to announce that they left", () =>
      played.deltas.some(({ leaves }) => leaves.includes(handle)),
    );
    const opening = played.read("next");
    await waitFor("the edge to announce the next", () => played.handleOf("next") !== -1);
    assert.notEqual(played.handleOf("next"), handle, "the second service may still use the old handle");
    second.answers = true;
    played.acknowledge(second);
    const next = await opening;
    await played.read("other");
    assert.equal(played.handleOf("other"), handle);
    next.close();
  });

  it("a restarted service - causes one epoch with the positions, and readers notice nothing", async () => {
    const ann = await played.read("ann");
    frame(1, "before", played.handleOf("ann"));
    await ann.until(/"data":"before"/);
    second.owner = { ...second.owner, graph: 3 };
    second.answers = false;
    const { epoch } = played.lastDelta;
    for (let twice = 0; twice < 2; twice += 1) played.announce(second);
    await waitFor("a new epoch", () => played.lastDelta.epoch === epoch + 1);
    const [first] = played.deltas.filter((delta) => delta.epoch === epoch + 1);
    const [at] = played.graph.positions(second.owner, epoch);
    assert.equal(first?.positions?.find(({ partition }) => partition === 1)?.sequence, at?.sequence);
    second.answers = true;
    played.acknowledge(second);
    await played.read("afterwards");
    assert.doesNotMatch(ann.text, /resync/);
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
    await waitFor("the service to count as lost", async () => (await played.lostPartitions) === 1);
    await played.graph.flush();
    const opening = played.read("heir");
    await waitFor("the edge to announce the heir", () => played.handleOf("heir") !== -1);
    assert.equal(played.handleOf("heir"), handle, "the handle is reused");
    const rejected = await played.rejected;
    frame(1, "not yours", handle);
    frame(0, "goes on", played.handleOf("ann"));
    await ann.until(/"data":"goes on"/);
    assert.equal(await played.rejected, rejected + 1);
    assert.equal(played.edge.notReady, undefined, "the edge stays ready while one service is there");

    const { epoch } = played.lastDelta;
    second.answers = true;
    played.acknowledge(second);
    await waitFor("a new epoch", () => played.lastDelta.epoch === epoch + 1);
    const sure = await played.read("sure-again");
    assert.doesNotMatch(sure.text, /resync/);
    frame(1, "welcome back", played.handleOf("ann"));
    await ann.until(/"data":"welcome back"/);
    const heir = await opening;
    assert.match(heir.text, /welcome/);
    assert.doesNotMatch(ann.text + heir.text, /resync|not yours/);
  });
});
