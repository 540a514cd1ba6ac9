// A page whose stream ends a thousand times holds no more memory than before. CLIENT_FULL=1 runs it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { CDPSession } from "playwright-core";
import { projectRoot } from "../../lib/project.ts";
import { AppServer } from "../support/app-server.ts";
import { launchPlainBrowser, noBrowser } from "../support/browser.ts";
import { waitFor } from "../support/wait-for.ts";

const IS_FULL = process.env.CLIENT_FULL === "1";
const RECONNECTS = 1_000;
/** The number of reconnects after which everything has been loaded and compiled. */
const WARM = 200;
const MAX_GROWTH_BYTES = 1_000_000;
const RECONNECTS_MS = 120_000;

const PAGE = `<!doctype html><title>Heap</title><link rel="icon" href="data:,"><script type="module">
  import { follow } from "/encke-client.js";
  const stream = follow("/stream", { user: "ann", share: true, speed: 10_000 });
  stream.addEventListener("event", () => {});
</script>`;

/** Returns the bytes in use after a collection. */
async function heapOf(cdp: CDPSession): Promise<number> {
  await cdp.send("HeapProfiler.collectGarbage");
  return (await cdp.send("Runtime.getHeapUsage")).usedSize;
}

describe("the heap of a page", { skip: noBrowser || (IS_FULL ? false : "CLIENT_FULL=1 runs it") }, () => {
  const ends: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  it(`${RECONNECTS} reconnects - grow it by at most ${MAX_GROWTH_BYTES} bytes`, async (t) => {
    let streams = 0;
    const edge = createServer((_, response) => {
      streams += 1;
      response.setHeader("Content-Type", "text/event-stream");
      response.end(
        `id: ${streams}\nevent: welcome\ndata: {}\n\nid: ${streams}\ndata: {"id":"${streams}"}\n\n`,
      );
    });
    await new Promise<void>((resolve) => edge.listen(0, "127.0.0.1", resolve));
    ends.push(() => new Promise((resolve) => void edge.close(resolve)));
    const { port } = edge.address() as AddressInfo;
    const server = await AppServer.start(() => new URL(`http://127.0.0.1:${port}`), {
      "/heap": PAGE,
      "/encke-client.js": readFileSync(join(projectRoot, "client", "dist", "encke-client.js"), "utf8"),
    });
    ends.push(() => server.stop());
    const browser = await launchPlainBrowser();
    ends.push(() => browser.stop());
    const page = await browser.context.newPage();
    const cdp = await browser.context.newCDPSession(page);
    await page.goto(new URL("/heap", server.url).href);
    await waitFor("the first reconnects", () => streams >= WARM, RECONNECTS_MS);
    const before = await heapOf(cdp);
    await waitFor("the reconnects", () => streams >= WARM + RECONNECTS, RECONNECTS_MS);
    const growth = (await heapOf(cdp)) - before;
    t.diagnostic(`${Math.round(before / 1_000)} kB before, ${Math.round(growth / 1_000)} kB more afterwards`);
    assert.ok(growth <= MAX_GROWTH_BYTES, `${growth} bytes more`);
  });
});
