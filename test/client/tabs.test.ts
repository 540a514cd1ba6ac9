// Tabs of one browser share one stream, whatever happens to the tab that holds it, to the network and to the
// edge. A producer publishes all the while, and each tab has everything once and in order, without a resync.
// CLIENT_FULL=1 freezes tabs for two minutes.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { BrowserContext } from "playwright-core";
import type { BrokerClient } from "../../broker/index.ts";
import { signToken } from "../../edge/index.ts";
import { Random } from "../../graph/index.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { childrenOf } from "../../lib/processes.ts";
import { Ledger } from "../resume/checker.ts";
import { Load } from "../resume/load.ts";
import { AppServer } from "../support/app-server.ts";
import { launchPlainBrowser, noBrowser, type PlainBrowser } from "../support/browser.ts";
import { ask, connectClient } from "../support/client.ts";
import type { EnckeCommand } from "../support/command.ts";
import { kill9 } from "../support/kill.ts";
import { Services } from "../support/services.ts";
import { KEY } from "../support/tokens.ts";
import { waitFor } from "../support/wait-for.ts";
import { BrowserTab, type Exception, exceptionsIn, TAB_PAGE, TAKEOVER_MS } from "./browser-tabs.ts";

const IS_FULL = process.env.CLIENT_FULL === "1";
const ONLY_FULL = IS_FULL ? false : "CLIENT_FULL=1 runs it";
const AUTHORS = ["42", "43", "photo.7"];
const PER_SECOND = 90;
const TABS = 4;
/** Events that are published while something lasts. */
const SOME = 40;
const FROZEN_MS = IS_FULL ? 120_000 : 0;
const TOKEN_MS = 2_000;
const HOUR_MS = 3_600_000;
/** Time in which a stream is back after its edge is: a demand of the edge, and the random wait. */
const PATIENCE_MS = 20_000;

/** Known, and not understood yet: about one run in three fails. */
const STUCK = "when several tabs take the lock at once, one may hear nothing for half a minute";

describe("tabs that share a stream", { skip: noBrowser }, () => {
  let services: Services;
  let edge: EnckeCommand;
  let port: number;
  let server: AppServer;
  let client: BrokerClient;
  let browser: PlainBrowser;
  let context: BrowserContext;
  let ledger: Ledger;
  let load: Load;
  let tabs: BrowserTab[];
  let opened = 0;
  /** Tokens that pages have asked for. */
  let tokens = 0;
  let sinceMs: number;

  const startEdge = (port: number): Promise<EnckeCommand> =>
    services.startEdge("--workers", "1", "--port", String(port));

  before(async () => {
    services = await Services.start({ broker: "embedded", env: { ENCKE_JWT_KEY: KEY } });
    port = await anyFreePort("127.0.0.1");
    edge = await startEdge(port);
    server = await AppServer.start(() => new URL(`http://127.0.0.1:${port}`), { "/tab": TAB_PAGE });
    client = await connectClient({ url: services.nats });
    for (const author of AUTHORS) await ask(client, `graph.subscribe.${author}`, ["ann"]);
    browser = await launchPlainBrowser();
    ({ context } = browser);
    await context.exposeFunction("token", () => {
      tokens += 1;
      return token("ann", tokens < 3 ? TOKEN_MS : HOUR_MS);
    });
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await client?.close();
    await services?.stop();
  });
  afterEach(async () => {
    await load?.stop();
    await context.setOffline(false);
    await leaveAll();
  });
  const leaveAll = async (): Promise<void> => {
    await Promise.all(context.pages().map((page) => page.close()));
    await context.clearCookies();
    await waitFor("the streams to end", () => server.open.length === 0);
  };

  const token = (user: string, ttlMs = HOUR_MS): Promise<string> => signToken(KEY, user, ttlMs);
  const signInAs = async (user: string, ttlMs: number): Promise<void> => {
    const value = await token(user, ttlMs);
    await context.addCookies([{ name: "encke_session", value, url: server.url.href }]);
  };
  const openTab = async (): Promise<BrowserTab> => {
    opened += 1;
    const tab = await BrowserTab.open(context, server, ledger, "ann", `tab${opened}`);
    tabs.push(tab);
    return tab;
  };
  /** Opens tabs that read, under load. */
  const start = async ({ size = TABS, hasToken = false, ttlMs = HOUR_MS } = {}): Promise<void> => {
    ledger = new Ledger();
    tabs = [];
    load = new Load({ client, ledger, random: new Random(1), users: () => [], perSecond: PER_SECOND });
    for (const author of AUTHORS) ledger.follow("ann", author);
    load.startConfirmed(AUTHORS);
    await Promise.all(Array.from({ length: size }, () => openTab()));
    if (!hasToken) await signInAs("ann", ttlMs);
    sinceMs = performance.now();
    await Promise.all(tabs.map((tab) => tab.read({ hasToken })));
    await publishes();
  };
  /** Resolves after some more events. */
  const publishes = (count = SOME): Promise<void> => {
    const to = ledger.total + count;
    return waitFor(`${count} events`, () => ledger.total >= to, 60_000);
  };
  /** Resolves once so much time has passed: a tab is to be frozen for so long. */
  const lasts = (ms: number): Promise<void> => {
    const endsAt = performance.now() + ms;
    return waitFor("the time to pass", () => performance.now() >= endsAt, ms + 1_000);
  };
  const leader = (): BrowserTab => {
    const [held] = server.open.slice(-1);
    const tab = tabs.find(({ path }) => path === held?.page);
    assert.ok(tab !== undefined, `no tab holds the stream, ${held?.page ?? "nor does any page"}`);
    return tab;
  };
  /** Resolves once another tab than this one holds the only stream. */
  const untilLedByOther = (tab: BrowserTab): Promise<void> =>
    waitFor("another tab to take over", () => server.open.length === 1 && server.open[0]?.page !== tab.path);
  const leave = (tab: BrowserTab): void => void tabs.splice(tabs.indexOf(tab), 1);
  /** Stops the load, and checks what each tab received. */
  const settle = async (): Promise<void> => {
    await load.stop();
    const late = (): string[] => tabs.filter((tab) => !tab.isUpToDate).map(({ path }) => path);
    await waitFor("every tab to be up to date", () => late().length === 0).catch((cause: Error) => {
      for (const tab of tabs) tab.assertFlawless();
      throw new Error(`${late()} are late`, { cause });
    });
    // whatever comes twice comes before these
    for (const author of AUTHORS) await load.request(author);
    await waitFor("every tab to have the last events", () => late().length === 0);
    for (const tab of tabs) tab.assertFlawless();
    await waitFor("one stream", () => server.open.length === 1);
  };
  /** Checks that never more than two streams were open, and for how long there were two or none. */
  const assertTakeovers = (t: { diagnostic(text: string): void }, downMs = 0): void => {
    const exceptions = exceptionsIn(server, sinceMs);
    const longest = (open: number): number =>
      Math.max(0, ...exceptions.filter((period: Exception) => period.open === open).map(({ ms }) => ms));
    t.diagnostic(
      `${server.streams.length} streams so far, none for ${Math.round(longest(0))} ms, two for ${Math.round(longest(2))} ms`,
    );
    assert.ok(longest(2) <= TAKEOVER_MS, `two streams for ${longest(2)} ms`);
    assert.ok(longest(0) <= TAKEOVER_MS + downMs, `no stream for ${longest(0)} ms`);
    assert.equal(exceptions.filter(({ open }) => open > 2).length, 0, "more than two streams");
  };

  it("the leading tab is closed, and the next one killed - another one takes over", async (t) => {
    await start();
    for (const end of ["close", "crash"] as const) {
      const tab = leader();
      leave(tab);
      await (end === "close" ? tab.page.close() : tab.crash());
      await untilLedByOther(tab);
      await publishes();
    }
    await settle();
    assertTakeovers(t);
  });

  it("the leading tab is frozen - another one takes over, and it catches up when it thaws, without a new event", async (t) => {
    await start();
    const tab = leader();
    await tab.setFrozen(true);
    await untilLedByOther(tab);
    await publishes();
    await load.stop(); // an edge replays 1,000 events at most
    await lasts(FROZEN_MS);
    assert.ok(!tab.isUpToDate, "a frozen tab receives nothing");
    await tab.setFrozen(false);
    await waitFor("the tab to catch up", () => tab.isUpToDate);
    await settle();
    assertTakeovers(t);
  });

  it("the network is away and comes back - every tab catches up", async (t) => {
    await start();
    await context.setOffline(true);
    server.swallow(); // the browser fails only new requests
    await publishes();
    assert.ok(tabs.every((tab) => !tab.isUpToDate));
    await context.setOffline(false);
    const [held] = server.open;
    await waitFor("another stream", () => server.open.length === 1 && server.open[0] !== held);
    await settle();
    assertTakeovers(t);
  });

  it("the edge's worker is killed, and the edge restarted - every tab catches up", async (t) => {
    await start();
    kill9(childrenOf(edge.pid)[0]);
    await waitFor("the stream to end", () => server.open.length === 0);
    await publishes();
    await waitFor("a stream", () => server.open.length === 1);
    await edge.stop();
    await publishes();
    edge = await startEdge(port);
    await settle();
    for (const { noted } of tabs) assert.ok(noted.some(({ type }) => type === "goodbye"));
    assertTakeovers(t, PATIENCE_MS);
  });

  it("tokens expire - only the leading tab gets another one, and no tab misses anything", async (t) => {
    tokens = 0;
    await start({ hasToken: true });
    await waitFor("three tokens", () => tokens === 3);
    await publishes();
    await settle();
    assert.equal(tokens, 3);
    assertTakeovers(t);
  });

  it("the cookie expires after another one was set - no tab misses anything", {
    skip: ONLY_FULL,
  }, async (t) => {
    await start({ ttlMs: TOKEN_MS });
    await tabs[0]?.page.evaluate(signInInPage, await token("ann"));
    await waitFor("the stream to end", () => exceptionsIn(server, sinceMs).some(({ open }) => open === 0));
    await publishes();
    await settle();
    assertTakeovers(t);
  });

  it("tabs that come later, and tabs that are reloaded - miss nothing", { todo: STUCK }, async (t) => {
    await start({ size: 1 });
    for (let later = 1; later < TABS; later += 1) await (await openTab()).read();
    const last = leader();
    for (const tab of [...tabs.filter((other) => other !== last), last]) {
      await tab.reload();
      await publishes(SOME / 4);
    }
    await settle();
    assertTakeovers(t);
  });

  for (const order of IS_FULL ? [1, -1] : [1]) {
    const first = order === 1 ? "first" : "last";
    it(`tabs frozen in turn thaw at once, the ${first} one first - each catches up`, {
      todo: STUCK,
    }, async (t) => {
      await start();
      for (const tab of tabs) {
        await tab.setFrozen(true);
        await publishes(SOME / 4);
      }
      await waitFor("no stream, as all tabs are frozen", () => server.open.length === 0);
      const frozenMs = performance.now() - sinceMs;
      const thawing = order === 1 ? tabs : tabs.slice().reverse();
      await Promise.all(thawing.map((tab) => tab.setFrozen(false)));
      await settle();
      assertTakeovers(t, frozenMs);
    });
  }
});

/** Runs in a page. */
function signInInPage(token: string): Promise<void> {
  const { signIn } = globalThis as unknown as { signIn: (url: string, token: string) => Promise<void> };
  return signIn("/", token);
}
