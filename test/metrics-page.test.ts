// The metrics pages of every process that has one, as Prometheus reads them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { anyFreePort } from "../lib/ports.ts";
import { version } from "../lib/project.ts";
import { valueIn } from "../load/index.ts";
import { embedded, type TestBroker, urlOf } from "./support/brokers.ts";
import { EnckeCommand } from "./support/command.ts";
import { checkMetrics, noPromtool } from "./support/promtool.ts";
import { tempDir } from "./support/temp-dir.ts";

const BUILD_INFO = `encke_build_info{version="${version}",node="${process.version}"}`;
const SUPERVISED_WORKERS = 2;
/** Units that are not base units, at the end of a name or before a counter's suffix. */
const OTHER_UNIT =
  /_(?:ms|millis\w*|us|micros\w*|ns|minutes|hours|kb|mb|kilobytes|megabytes|percent)(?:_total)?$/;

describe("pages of metrics", () => {
  let broker: TestBroker;
  const commands: EnckeCommand[] = [];
  const pages = new Map<string, string>();

  const start = async (args: readonly string[], ready: RegExp): Promise<EnckeCommand> => {
    const command = await EnckeCommand.start(args, ready, { env: { NATS_URL: urlOf(broker) } });
    commands.unshift(command);
    return command;
  };

  before(async () => {
    broker = await embedded.start();
    const port = String(await anyFreePort("127.0.0.1"));
    const data = join(tempDir(), "graph");
    await start(["graph", "serve", "--data", data, "--admin-port", port], /graph of/);
    const workers = String(SUPERVISED_WORKERS);
    const edge = await start(["edge", "--port", "0", "--admin-port", "0", "--workers", workers], /edge at/);
    const addresses: Record<string, string> = {
      graph: `http://127.0.0.1:${port}`,
      edge: edge.find(/admin at (\S+)/),
    };
    for (const [name, address] of Object.entries(addresses))
      pages.set(name, await (await fetch(new URL("/metrics", address))).text());
    for (const command of commands.splice(0)) await command.stop();
    const flags = ["--data", join(tempDir(), "graph"), "--users", "20", "--port", "0", "--admin-port", "0"];
    const up = await start(["up", ...flags], /Ctrl-C/);
    pages.set("up", await (await fetch(up.find(/admin +(\S+\/metrics)/))).text());
  });
  after(async () => {
    for (const command of commands) await command.stop();
    await broker.stop();
  });

  for (const [name, service] of [
    ["graph", "encke_graph_follows"],
    ["edge", "encke_edge_streams"],
    ["up", "encke_graph_follows"],
  ] as const) {
    describe(name, () => {
      const page = (): string => pages.get(name) ?? "";

      it("encke_build_info - is 1 and carries the versions, however many processes are added up", () => {
        assert.equal(valueIn(page(), BUILD_INFO), 1);
        assert.ok(valueIn(page(), service) >= 0);
      });

      it("names - are in base units", () => {
        const names = [...page().matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? "");
        assert.ok(names.length > 10);
        assert.deepEqual(
          names.filter((one) => OTHER_UNIT.test(one)),
          [],
        );
      });

      it("promtool check metrics - reports nothing", { skip: noPromtool }, () => {
        assert.equal(checkMetrics(page()), "");
      });
    });
  }

  it("promtool check metrics - reports a bad name", { skip: noPromtool }, () => {
    assert.match(checkMetrics("# HELP wait_ms Wait\n# TYPE wait_ms gauge\nwait_ms 1\n"), /abbreviated units/);
  });
});
