// Real clients over killed edge workers: while all of them are away, events are published to each, and none
// misses one or is told that it may have. Chromium, `curl` and `fetch` are always used. RESUME_CLIENTS names
// a folder in which these packages are installed, and the test then uses them, too:
//
//   npm install eventsource2@npm:eventsource@2.0.2 eventsource3@npm:eventsource@3.0.7 \
//     eventsource4@npm:eventsource@4.1.1 eventsource5@npm:eventsource@5.1.5 undici@7.30.2 \
//     event-source-polyfill@1.0.31 eventsource-client@1.2.0 @microsoft/fetch-event-source@2.0.1 \
//     htmx2@npm:htmx.org@2.0.11 htmx-ext-sse@2.2.4
//
// RESUME_COMMANDS may name clients in other languages, as JSON: {"requests-sse": ["python", "…", "{url}"]}.
// Each prints a line {"event", "data", "id"} for each message. RESUME_KILLS is the number of kills. With
// RESUME_ONE_BY_ONE=1 the workers are killed in turn, so that the port is always served: Jersey's client ends
// when a connection is refused.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import { Random } from "../../graph/index.ts";
import { childrenOf, listenersIn } from "../../lib/processes.ts";
import { projectRoot } from "../../lib/project.ts";
import { real } from "../support/brokers.ts";
import { launchBrowser, noBrowser } from "../support/browser.ts";
import { ask, connectClient } from "../support/client.ts";
import { findExecutable } from "../support/find-executable.ts";
import { kill9 } from "../support/kill.ts";
import { Services } from "../support/services.ts";
import { waitFor } from "../support/wait-for.ts";
import { FLAWLESS, faultsOf, Ledger } from "./checker.ts";
import {
  BrowserClient,
  ClientProcess,
  Curl,
  type ForeignClient,
  readInPage,
  readWithHtmx,
} from "./foreign-clients.ts";
import { Load } from "./load.ts";
import type { Received } from "./received.ts";

const FOLDER = process.env.RESUME_CLIENTS;
const COMMANDS = JSON.parse(process.env.RESUME_COMMANDS ?? "{}") as Record<string, string[]>;
const KILLS = Number(process.env.RESUME_KILLS ?? 2);
const IS_ONE_BY_ONE = process.env.RESUME_ONE_BY_ONE === "1";
const WORKERS = 2;
const EVENTS_WHILE_AWAY = 100;
/** Readers come back after 5.5 s at most, and some libraries double their wait. */
const BACK_MS = 60_000;
const PACKAGES = [
  ...["eventsource2", "eventsource3", "eventsource4", "eventsource5", "undici"],
  ...["event-source-polyfill", "eventsource-client", "fetch-event-source"],
];
const TOPIC = "42";

/** Returns the number of sockets that listen at an address of 127.0.0.1. */
function listening({ port }: URL): number {
  return listenersIn(readFileSync("/proc/net/tcp", "utf8"), Number(port)).length;
}

describe("real clients over killed edge workers", { skip: real.skip }, () => {
  let services: Services;
  let browser: Browser | undefined;
  const clients: ForeignClient[] = [ClientProcess.script("fetch")];

  before(async () => {
    services = await Services.start({
      broker: "nats-server",
      fanout: "frames",
      edge: ["--workers", String(WORKERS)],
    });
    if (findExecutable("curl") !== undefined) clients.push(new Curl());
    if (!noBrowser) {
      browser = await launchBrowser();
      clients.push(new BrowserClient("Chromium's EventSource", browser, readInPage));
    }
    if (FOLDER === undefined) return;
    for (const kind of PACKAGES) clients.push(ClientProcess.script(kind, FOLDER));
    const bun = findExecutable(
      "bun",
      join(projectRoot, "node_modules", "@oven", `bun-${process.platform}-${process.arch}`, "bin"),
    );
    if (bun !== undefined) clients.push(ClientProcess.script("eventsource4", FOLDER, bun));
    const scripts = ["htmx2/dist/htmx.min.js", "htmx-ext-sse/sse.js"].map((name) =>
      join(FOLDER, "node_modules", name),
    );
    assert.ok(scripts.every((path) => existsSync(path)));
    if (browser !== undefined) clients.push(new BrowserClient("htmx", browser, readWithHtmx, scripts));
  });
  after(async () => {
    for (const client of clients) await client.stop();
    await browser?.close();
    await services?.stop();
  });

  it(`${KILLS} kills, ${EVENTS_WHILE_AWAY} events during each absence - every client resumes without a gap`, async (t) => {
    for (const [name, command] of Object.entries(COMMANDS)) clients.push(new ClientProcess(name, command));
    const client = await connectClient({ url: services.nats });
    try {
      const ledger = new Ledger();
      const load = new Load({ client, ledger, random: new Random(1), users: () => [], perSecond: 1 });
      const readers: { readonly received: Received; readonly isOpen: () => boolean }[] = [];
      for (const [nth, each] of clients.entries()) {
        const user = `client${nth}`;
        ledger.follow(user, TOPIC);
        assert.equal((await ask(client, `graph.subscribe.${TOPIC}`, user)).problem, undefined);
        const received = ledger.addReader(user, each.name);
        let isOpen = false;
        await each.start(new URL(`/stream?user=${user}`, services.edge), (block) => {
          isOpen = true;
          received.note(block);
        });
        readers.push({ received, isOpen: () => isOpen });
      }
      const closed = (): string[] =>
        readers.filter(({ isOpen }) => !isOpen()).map(({ received }) => received.name);
      await waitFor("every client to read", () => closed().length === 0, BACK_MS).catch((error: unknown) => {
        throw new Error(`not reading: ${closed()}`, { cause: error });
      });
      const untilUpToDate = (): Promise<void> =>
        waitFor(
          "every client to have everything",
          () => readers.every(({ received }) => ledger.isUpToDate(received)),
          BACK_MS,
        ).catch((error: unknown) => {
          const { examples } = ledger.check();
          throw new Error(`${(error as Error).message}: ${JSON.stringify(examples, null, 1)}`);
        });
      for (let kill = 0; kill < KILLS; kill += 1) {
        const workers = childrenOf(services.edgeSupervisor);
        assert.equal(workers.length, WORKERS);
        for (const pid of IS_ONE_BY_ONE ? workers.slice(0, 1) : workers) kill9(pid);
        for (let n = 0; n < EVENTS_WHILE_AWAY; n += 1) load.publish(TOPIC);
        await load.request(TOPIC);
        await untilUpToDate();
        await services.ready();
        await waitFor("the workers", () => childrenOf(services.edgeSupervisor).length === WORKERS);
        // a worker that has just been started does not listen yet
        await waitFor("both workers to listen", () => listening(services.edge) === WORKERS);
      }
      const verdict = ledger.check();
      t.diagnostic(`${clients.map(({ name }) => name).join(", ")}: ${verdict.received} events`);
      assert.deepEqual(faultsOf(verdict), FLAWLESS, JSON.stringify(verdict.examples, null, 1));
    } finally {
      await client.close();
    }
  });
});
