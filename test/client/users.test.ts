// Two users in one browser, with tabs of both: no matter who signs in, no tab receives an event of the other
// user.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { BrowserContext } from "playwright-core";
import { signToken } from "../../edge/index.ts";
import { Ledger } from "../resume/checker.ts";
import { AppServer } from "../support/app-server.ts";
import { embedded } from "../support/brokers.ts";
import { launchPlainBrowser, noBrowser, type PlainBrowser } from "../support/browser.ts";
import { TestNetwork } from "../support/network.ts";
import { KEY } from "../support/tokens.ts";
import { waitFor } from "../support/wait-for.ts";
import { BrowserTab, TAB_PAGE } from "./browser-tabs.ts";

const HOUR_MS = 3_600_000;

describe("two users in one browser", { skip: noBrowser }, () => {
  let network: TestNetwork;
  let server: AppServer;
  let browser: PlainBrowser;
  let context: BrowserContext;
  const ledger = new Ledger();

  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      follows: [
        ["ann", "42"],
        ["bob", "43"],
      ],
    });
    const edge = await network.startEdge({ jwtKey: KEY });
    await network.ready();
    ledger.follow("ann", "42");
    ledger.follow("bob", "43");
    server = await AppServer.start(() => new URL(`http://127.0.0.1:${edge.port}`), { "/tab": TAB_PAGE });
    browser = await launchPlainBrowser();
    ({ context } = browser);
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await network?.stop();
  });

  const publish = (topic: string): void => {
    network.client.publish(`event.${topic}`, JSON.stringify({ n: ledger.publish(topic) }));
  };
  const open = (user: string, nth: number): Promise<BrowserTab> =>
    BrowserTab.open(context, server, ledger, user, `${user}${nth}`);
  const signIn = async ({ page }: BrowserTab, user: string): Promise<void> =>
    page.evaluate(signInInPage, await signToken(KEY, user, HOUR_MS));
  const untilUpToDate = (tabs: readonly BrowserTab[]): Promise<void> =>
    waitFor("the tabs to be up to date", () => tabs.every((tab) => tab.isUpToDate));
  const untilClosed = (tabs: readonly BrowserTab[], code: string): Promise<void> =>
    waitFor(`the streams to end with ${code}`, () => tabs.every(({ closedWith }) => closedWith === code));

  it("one signs out and in as the other - ends the streams of the first in every tab, and no event crosses", async () => {
    const anns = [await open("ann", 1), await open("ann", 2), await open("ann", 3)];
    const [first, second, frozen] = anns as [BrowserTab, BrowserTab, BrowserTab];
    await signIn(first, "ann");
    for (const tab of anns) await tab.read();
    publish("42");
    publish("43");
    await untilUpToDate(anns);
    await frozen.setFrozen(true);
    await first.page.evaluate(signOutInPage);
    await untilClosed([first, second], "SIGNED_OUT");
    await waitFor("no stream", () => server.open.length === 0);

    const bobs = [await open("bob", 1), await open("bob", 2)];
    await signIn(first, "bob");
    for (const tab of bobs) await tab.read();
    for (const topic of ["42", "43", "42", "43"]) publish(topic);
    await untilUpToDate(bobs);
    await frozen.setFrozen(false);
    // it is told, or asks as ann with the cookie of bob
    await waitFor("the frozen tab's stream to end", () => frozen.closedWith !== undefined);
    assert.match(frozen.closedWith ?? "", /^(SIGNED_OUT|FORBIDDEN)$/);
    publish("43");
    await untilUpToDate(bobs);
    for (const tab of bobs) tab.assertFlawless();
    for (const { received } of anns) assert.deepEqual([...received.numbers], [["42", [0]]]);
    for (const { page } of [...anns, ...bobs]) await page.close();
  });

  it("the cookie of another user, set by a page without the package - ends with FORBIDDEN, and no event crosses", async () => {
    const tabs = [await open("ann", 4), await open("ann", 5)];
    const [first, second] = tabs as [BrowserTab, BrowserTab];
    await signIn(first, "ann");
    for (const tab of tabs) await tab.read();
    publish("42");
    await untilUpToDate(tabs);
    const value = await signToken(KEY, "bob", HOUR_MS);
    await context.addCookies([{ name: "encke_session", value, url: server.url.href }]);
    server.cut();
    await untilClosed([first], "FORBIDDEN");
    publish("42");
    publish("43");
    await untilClosed([second], "FORBIDDEN");
    assert.deepEqual(
      tabs.map(({ received }) => [...received.numbers.keys()]),
      [["42"], ["42"]],
    );
  });

  it("the same user signs in again - no stream ends", async () => {
    const tab = await open("ann", 6);
    await signIn(tab, "ann");
    await tab.read();
    await signIn(tab, "ann");
    publish("42");
    await untilUpToDate([tab]);
    assert.equal(tab.closedWith, undefined);
    assert.equal(server.open.length, 1);
  });
});

interface Package {
  signIn(url: string, token: string): Promise<void>;
  signOut(url: string): Promise<void>;
}

/** Runs in a page. */
function signInInPage(token: string): Promise<void> {
  return (globalThis as unknown as Package).signIn("/", token);
}

/** Runs in a page. */
function signOutInPage(): Promise<void> {
  return (globalThis as unknown as Package).signOut("/");
}
