// Counters of the admin port while workers come and go. Prometheus takes a counter that falls for a restart,
// which distorts its rates and alerts for as long as they look back.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { defaultPoolKind, POOL_KINDS } from "../edge/index.ts";
import { childrenOf, commandLineOf } from "../lib/processes.ts";
import { valueIn } from "../load/index.ts";
import { RawHttp } from "./support/raw-http.ts";
import { Reader } from "./support/reader.ts";
import { Services } from "./support/services.ts";
import { waitFor } from "./support/wait-for.ts";

const WORKERS = 2;
const STREAMS = 20;
const GROWING = /^# TYPE (\S+) (?:counter|histogram|summary)$/;

/** Returns every series of a page that must never decrease. */
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

    /** Reads the page and checks that no counter fell. */
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

    it("a killed worker - its counts up to the last scrape remain, and its gauges disappear", async () => {
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

    it("workers that exit cleanly - report everything that they counted", async () => {
      await services.ready();
      await scrape();
      const opened = value("opened_total");
      await openStreams(); // not scraped yet
      const leaving = workers();
      for (const pid of leaving) process.kill(pid, "SIGTERM");
      await waitFor("their successors", async () => {
        await scrape();
        return value("workers") === WORKERS && !workers().some((pid) => leaving.includes(pid));
      });
      await scrape();
      assert.equal(value("opened_total"), opened + STREAMS);
    });

    it("a worker that dies during a scrape - does not fail the scrape or the edge", async () => {
      await services.ready();
      const [victim = 0] = workers();
      const asker = new RawHttp(Number(services.admin.port)).get("/metrics");
      await asker.until(/encke_edge_workers/);
      const before = asker.text.length;
      process.kill(services.edgeSupervisor, "SIGSTOP"); // it reads the request before it notices the death
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

    it("a worker that hangs - counts with its last values, and delays the page by at most two seconds", async () => {
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
