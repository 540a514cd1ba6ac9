// Tests of `encke broker` with JetStream on every installed nats-server.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { EnckeCommand } from "../../test/support/command.ts";
import { manageStreams } from "../../test/support/jetstream.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";

for (const server of natsServers) {
  const env = { NATS_SERVER: server.binary };
  const print = (...args: string[]): Promise<EnckeCommand> =>
    EnckeCommand.run(["broker", "--print-config", ...args], { env });

  describe(`broker --jetstream, ${server.name}`, { skip: server.skip }, () => {
    for (const partitions of ["1", "16"])
      it(`--print-config, ${partitions} partitions - prints what this server accepts`, async () => {
        const { stdout } = await print("--partitions", partitions, "--jetstream", "streams");
        const file = join(tempDir(), "nats-server.conf");
        writeFileSync(file, stdout);
        const { status, stderr } = spawnSync(server.binary, ["-t", "-c", file], { encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.match(stdout, /store_dir: "\/.*\/streams"/);
        assert.equal(/max_buffered_msgs/.test(stdout), !server.version.startsWith("2.9."));
      });

    it("nats-server - has JetStream and keeps its streams in the folder", async () => {
      const folder = join(tempDir(), "streams");
      const args = ["broker", "--port", "0", "--jetstream", folder];
      const broker = await EnckeCommand.start(args, /at nats:\/\/\S+\n/, { env });
      try {
        const [url = ""] = /nats:\/\/\S+/.exec(broker.stdout) ?? [];
        await manageStreams(url, ({ streams }) => streams.add({ name: "EVENTS", subjects: ["event.>"] }));
        assert.ok(existsSync(join(folder, "jetstream", "$G", "streams", "EVENTS")));
      } finally {
        await broker.stop();
      }
    });
  });
}

describe("broker --jetstream", () => {
  const boundsFor = async (version: string): Promise<boolean> => {
    const args = ["broker", "--print-config", "--jetstream", "/srv/nats", "--server-version", version];
    return /max_buffered_msgs: 1000000\n {2}max_buffered_size: 1GB/.test(
      (await EnckeCommand.run(args)).stdout,
    );
  };

  it("--server-version - selects what is printed", async () => {
    assert.deepEqual(await Promise.all(["2.9.10", "2.10.29", "2.11.0", "v3.0.0"].map(boundsFor)), [
      false,
      false,
      true,
      true,
    ]);
  });

  it("misuse - exits 2 with the remedy", async () => {
    for (const [args, message] of [
      [["--server-version", "new"], /--server-version: expected a version such as 2\.15\.3/],
      [["--embedded", "--jetstream", "streams"], /no JetStream: omit --embedded or --jetstream/],
    ] as const) {
      const { exit, stderr } = await EnckeCommand.run(["broker", ...args]);
      assert.equal(exit, 2);
      assert.match(stderr, message);
    }
  });
});
