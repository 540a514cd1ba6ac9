// The admin port's counters, while the workers that count come and go: a counter that falls is a restart to Prometheus, and
// its rates and alarms are wrong for as long as it looks back.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { defaultPoolKind, POOL_KINDS } from "../edge/index.ts";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { valueIn } from "../lib/scrape.ts";
import { RawHttp } from "./support/raw-http.ts";
import { Reader } from "./support/reader.ts";
import { Services } from "./support/services.ts";
import { waitFor } from "./support/wait-for.ts";

const WORKERS = 2;
const STREAMS = 20;
const GROWING = /^# TYPE (\S+) (?:counter|histogram|summary)$/;

/** Every series of a page that may only grow. */
function countsOn(page: string): Map<string, number> {
  const counts = new Map<string, number>();
  let name: string | undefined;
  for (const line of page.split("\n")) {
    if (line.startsWith("# TYPE")) name = GROWING.exec(line)?.[1];
    if (name === undefined || !line.startsWith(name)) continue;
    const [series = "", value] = line.split(/ (?=\S+$)/);
    counts.set(series, Number(value));
  }
  return counts;
}

for (const pool of POOL_KINDS) {
  const skip = pool === "native" && defaultPoolKind() !== "native" ? "the addon was not built here" : false;
  describe(`counters of an edge, ${pool} pool`, { skip }, () => {
    let services: Services;
    let last = new Map<string, number>();
    let page = "";

    /** Reads the page, and sees that nothing fell. */
    const scrape = async (): Promise<void> => {
      page = await (await fetch(new URL("/metrics", services.admin))).text();
      const counts = countsOn(page);
      for (const [series, value] of last)
        assert.ok(
          (counts.get(series) ?? -1) >= value,
          `${series} fell from ${value} to ${counts.get(series)}`,
        );
      last = counts;
    };
    const value = (series: string): number => valueIn(page, `encke_edge_${series}`);
    const openStreams = async (): Promise<void> => {
      const url = new URL("/test/7", services.edge);
      for (const reader of await Promise.all(Array.from({ length: STREAMS }, () => Reader.open(url))))
        reader.close();
    };
    const workers = (): number[] => childrenOf(services.edgeSupervisor);

    before(async () => {
      services = await Services.start({
        broker: "embedded",
        edge: ["--workers", String(WORKERS), "--pool", pool],
      });
    });
    after(() => services.stop());

    it("a worker killed - what it had counted at the last look stays, what it held goes", async () => {
      await openStreams();
      await scrape();
      assert.equal(value("opened_total"), STREAMS);
      const [victim = 0] = workers();
      process.kill(victim, "SIGKILL");
      await waitFor("another worker", async () => {
        await scrape();
        return (
          value("workers") === WORKERS && value("worker_restarts_total") === 1 && !workers().includes(victim)
        );
      });
      assert.equal(value("opened_total"), STREAMS);
      await waitFor("every stream to be counted as closed", async () => {
        await scrape();
        return value("streams") === 0;
      });
    });

    it("workers that end by themselves - report to the last", async () => {
      await services.ready();
      await scrape();
      const opened = value("opened_total");
      await openStreams(); // since the last look
      const leaving = workers();
      for (const pid of leaving) process.kill(pid, "SIGTERM");
      await waitFor("other workers", async () => {
        await scrape();
        return value("workers") === WORKERS && !workers().some((pid) => leaving.includes(pid));
      });
      await scrape();
      assert.equal(value("opened_total"), opened + STREAMS);
    });

    it("a worker that dies as it is asked - the page comes, and the edge goes on", async () => {
      await services.ready();
      const [victim = 0] = workers();
      const asker = new RawHttp(Number(services.admin.port)).get("/metrics");
      await asker.until(/encke_edge_workers/);
      const before = asker.text.length;
      process.kill(services.edgeSupervisor, "SIGSTOP"); // so that it reads the question before it sees the death
      asker.get("/metrics");
      process.kill(victim, "SIGKILL");
      await waitFor("the worker to be dead", () => commandLineOf(victim) === "");
      process.kill(services.edgeSupervisor, "SIGCONT");
      await waitFor("the page", () => /encke_edge_workers \d/.test(asker.text.slice(before)));
      asker.close();
      await waitFor("another worker", async () => {
        await scrape();
        return value("workers") === WORKERS && !workers().includes(victim);
      });
    });

    it("a worker that hangs - counts as it last did, and delays the page for two seconds at most", async () => {
      await services.ready();
      await openStreams();
      await scrape();
      const opened = value("opened_total");
      const [hanging = 0] = workers();
      process.kill(hanging, "SIGSTOP");
      try {
        const startedAt = performance.now();
        await Promise.all([scrape(), scrape()]);
        assert.ok(performance.now() - startedAt < 8_000);
        assert.equal(value("opened_total"), opened);
      } finally {
        process.kill(hanging, "SIGCONT");
      }
      await scrape();
      assert.equal(value("opened_total"), opened);
    });
  });
}
