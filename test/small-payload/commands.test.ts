// Commands that talk over NATS, on a server with a small max_payload.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { embeddedWith, urlOf } from "../support/brokers.ts";
import { EnckeCommand } from "../support/command.ts";
import { TestNetwork } from "../support/network.ts";
import { tempDir } from "../support/temp-dir.ts";
import { MIN, USERS } from "./limits.ts";

describe("commands on a server with a small max_payload", () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({ broker: embeddedWith(MIN), fleet: [] });
  });
  after(() => network.stop());
  const encke = (...args: string[]): Promise<EnckeCommand> =>
    EnckeCommand.run(args, { env: { NATS_URL: urlOf(network.broker) } });

  it("graph add --file - sends as many ids per request as fit", async () => {
    const file = join(tempDir(), "changes.txt");
    writeFileSync(file, USERS.map((user) => `${user} star\n`).join(""));
    const added = await encke("graph", "add", "--file", file);
    assert.deepEqual([added.exit, added.stdout], [0, "1500 added, 0 unchanged\n"], added.stderr);
    const listed = await encke("graph", "subscribers", "star");
    assert.deepEqual(listed.stdout.trim().split("\n").sort(), [...USERS].sort());
  });

  it("pub and request - fail with both numbers if the message is too large", async () => {
    for (const command of ["pub", "request"]) {
      const sent = await encke(command, "event.42", "x".repeat(20_000));
      assert.equal(sent.exit, 1);
      assert.match(sent.stderr, /has 20000 bytes, and NATS' max_payload is 16384/);
    }
  });
});
