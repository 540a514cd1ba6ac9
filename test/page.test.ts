// The live page in a real browser: three users' streams are open, one user publishes, the follower sees the
// event, and the stranger does not.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";
import { signToken } from "../edge/index.ts";
import { embedded } from "./support/brokers.ts";
import { launchBrowser, noBrowser } from "./support/browser.ts";
import { TestNetwork } from "./support/network.ts";
import { type ProxyRefusal, RefusingProxy } from "./support/refusing-proxy.ts";
import { KEY } from "./support/tokens.ts";
import { waitFor } from "./support/wait-for.ts";

describe("the live page", { skip: noBrowser }, () => {
  let network: TestNetwork;
  let browser: Browser;
  let problems: string[];
  const pages: Page[] = [];
  const proxies: RefusingProxy[] = [];

  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      follows: [
        ["ann", "42"],
        ["bob", "42"],
        ["ann", "bob"],
      ],
    });
    await network.startEdge({ jwtKey: KEY, allowPublish: true });
    await network.ready();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
    await network.stop();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
    for (const proxy of proxies.splice(0)) await proxy.stop();
    assert.deepEqual(problems, []);
  });

  const open = async (path: string, edge: number | URL = 0, expected: RegExp = /^$/): Promise<Page> => {
    problems = [];
    const page = await browser.newPage();
    pages.push(page);
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !expected.test(message.text())) problems.push(message.text());
    });
    await page.goto((typeof edge === "number" ? network.url(path, edge) : new URL(path, edge)).href);
    return page;
  };
  const proxied = async (): Promise<RefusingProxy> => {
    const proxy = await RefusingProxy.start(network.edges[0]?.port ?? 0);
    proxies.push(proxy);
    return proxy;
  };
  /** Opens a page behind a proxy that then cuts and refuses its stream. Resolves after the first refusal. */
  const cutAndRefuse = async (
    reply: Omit<ProxyRefusal, "path">,
  ): Promise<{ readonly page: Page; readonly proxy: RefusingProxy }> => {
    const proxy = await proxied();
    const page = await open("/?watch=ann", proxy.url, /status of|ERR_INCOMPLETE|ERR_EMPTY/);
    await live(page, "ann");
    network.client.publish("event.42", "before");
    await line(page, "ann", "before").waitFor();
    proxy.refuse({ ...reply, path: "/stream" });
    await waitFor("a refused request", () => proxy.requests.some(({ refused }) => refused));
    return { page, proxy };
  };
  const live = (page: Page, user: string): Promise<void> =>
    page.locator(`.panel[data-user="${user}"][data-state="live"]`).waitFor();
  const line = (page: Page, user: string, text: string): Locator =>
    page.locator(`.panel[data-user="${user}"] .events li`, { hasText: text });

  it("an event - appears at the follower and the author, not at a stranger", async () => {
    const author = await open("/?watch=42");
    const follower = await open("/?watch=ann");
    const stranger = await open("/?watch=carl");
    await Promise.all([live(author, "42"), live(follower, "ann"), live(stranger, "carl")]);
    await author.fill("#author", "42");
    await author.fill("#message", "a comet!");
    await author.click("#compose button");
    await line(follower, "ann", "a comet!").waitFor();
    await line(author, "42", "a comet!").waitFor();
    assert.match((await line(follower, "ann", "a comet!").textContent()) ?? "", /42/);
    await author
      .locator("#compose-result", { hasText: "3 recipients, 2 online, delivered to 2 streams" })
      .waitFor();
    network.client.publish("user.carl", "for carl");
    await line(stranger, "carl", "for carl").waitFor();
    assert.equal(await line(stranger, "carl", "a comet!").count(), 0);
  });

  it("side by side - shows follows and the graph around the author, which lights up as an event fans out", async () => {
    const page = await open("/?watch=42,ann,bob");
    for (const user of ["42", "ann", "bob"]) await live(page, user);
    await page.locator('.panel[data-user="ann"] .chip', { hasText: "bob" }).waitFor();
    await page.locator("#sky-caption", { hasText: "2 follow 42" }).waitFor();
    assert.deepEqual(await page.locator("#constellation .person.watched .star-label").allTextContents(), [
      "ann",
      "bob",
      "42",
    ]);
    network.client.publish("event.42", '{"photo":789}');
    await page.locator("#constellation .person.lit .star-label", { hasText: "ann" }).waitFor();
    await line(page, "bob", '{"photo":789}').waitFor();
    await page.locator('.panel[data-user="ann"] .chip', { hasText: "bob" }).click();
    await page.locator("#sky-caption", { hasText: "1 follow bob" }).waitFor();
  });

  it("a first visit - opens streams, and a bad id shows what is wrong", async () => {
    const page = await open("/", 0, /400/);
    await live(page, "42");
    await live(page, "bob");
    assert.match(page.url(), /\?watch=42,bob$/);
    await page.fill("#user", "no such.id");
    await page.click("#watch button");
    await page.locator('.panel[data-user="no such.id"] .follows', { hasText: "is not a user id" }).waitFor();
    await page.locator('.panel[data-user="no such.id"][data-state="closed"]').waitFor();
  });

  it("hostile text - is shown as text", async () => {
    const page = await open("/?watch=ann");
    await live(page, "ann");
    const evil = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    network.client.publish("event.42", evil);
    await page.locator(".panel .events li", { hasText: evil }).waitFor();
    assert.equal(await page.locator(".events img, .events script").count(), 0);
  });

  it("a drain - leaves no trace but the state, and the stream reconnects to the next edge", async () => {
    const edge = await network.startEdge();
    const { port } = edge;
    const page = await open(
      "/?watch=ann",
      network.edges.indexOf(edge),
      /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE/,
    );
    await live(page, "ann");
    await edge.stop();
    await page.locator('.panel[data-state="reconnecting"]').waitFor();
    network.client.publish("event.42", "while drained");
    await network.startEdge({ listen: { host: "127.0.0.1", port } });
    await live(page, "ann");
    await line(page, "ann", "while drained").waitFor();
    network.client.publish("event.42", "back again");
    await line(page, "ann", "back again").waitFor();
    assert.equal(await page.locator(".panel .events .note").count(), 0);
  });

  it("a full edge - is asked again at the time that it gave, until it accepts the stream", async () => {
    const edge = await network.startEdge({ maxStreams: 1 });
    const index = network.edges.indexOf(edge);
    const only = await network.read("/stream?user=zoe", {}, index);
    const page = await open("/?watch=ann", index);
    await page.locator(".panel .events li", { hasText: "goodbye (full)" }).waitFor();
    await page.locator('.panel[data-state="reconnecting"]').waitFor();
    only.close();
    await live(page, "ann");
    network.client.publish("event.42", "room at last");
    await line(page, "ann", "room at last").waitFor();
  });

  /** Dates of the proxy's clock, which may differ from ours. */
  const [now, later] = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:39 GMT"];
  /** Replies after which the client tries again. Without a demand, the wait is random from 0 on. */
  const refusals: readonly (Omit<ProxyRefusal, "path"> & { readonly minMs: number })[] = [
    { status: 503, headers: { "Retry-After": "2" }, minMs: 2_000 },
    { status: 429, headers: { "Retry-After": later, Date: now }, minMs: 2_000 },
    { status: 502, minMs: 0 },
    { status: 200, minMs: 0 },
  ];
  for (const { minMs, ...reply } of refusals) {
    const after = reply.headers?.["Retry-After"];
    const what = `${reply.status}${after ? ` with Retry-After: ${after}` : ""}`;
    it(`a proxy that replies ${what} - the stream reconnects, not earlier than allowed`, async () => {
      const { page, proxy } = await cutAndRefuse(reply);
      await page.locator('.panel[data-state="reconnecting"]').waitFor();
      network.client.publish("event.42", "while away");
      proxy.passOn();
      await live(page, "ann");
      const [asked, again] = proxy.asked("/stream").slice(-2);
      assert.deepEqual([asked?.refused, again?.refused], [true, false]);
      const pausedMs = (again?.atMs ?? 0) - (asked?.atMs ?? 0);
      assert.ok(pausedMs >= minMs, `reconnected after ${pausedMs} ms`);
      assert.match(again?.url.searchParams.get("last_event_id") ?? "", /^[-0-9A-Z_a-z]{9}~0\./);
      await line(page, "ann", "while away").waitFor();
      network.client.publish("event.42", "back again");
      await line(page, "ann", "back again").waitFor();
    });
  }

  it("a proxy that replies 404 - ends the stream, and a reload opens it again", async () => {
    const { page, proxy } = await cutAndRefuse({ status: 404 });
    await page.locator('.panel[data-user="ann"][data-state="closed"]').waitFor();
    await line(page, "ann", "responded 404").waitFor();
    // what makes a stream that waits ask again
    await page.evaluate(() => globalThis.dispatchEvent(new Event("online")));
    proxy.passOn();
    await page.reload();
    await live(page, "ann");
    assert.deepEqual(
      proxy.asked("/stream").map(({ refused }) => refused),
      [false, true, false],
    );
  });

  it("a proxy that refuses while the page loads - the page still comes up", async () => {
    const proxy = await proxied();
    proxy.refuse({ status: 503, headers: { "Retry-After": "1" }, path: "/session" });
    const page = await open("/?watch=ann", proxy.url, /503/);
    await waitFor("a second request", () => proxy.asked("/session").length >= 2);
    await page.locator("#start-result", { hasText: "503" }).waitFor();
    proxy.passOn();
    await live(page, "ann");
    assert.equal(await page.locator("#start-result").isVisible(), false);
  });

  it("an expired token - closes the stream for good, and the page says what to do", async () => {
    const page = await open("/", 1, /401/);
    await page.locator("#sign-in").waitFor();
    await page.fill("#token", await signToken(KEY, "ann", 4_000));
    await page.click("#sign-in button");
    await page.locator('.panel[data-user="ann"][data-state="closed"]').waitFor();
    await page.locator(".panel .events li", { hasText: "a token is needed" }).waitFor();
  });

  it("an edge with a key - asks for a token, and then shows the user's own stream", async () => {
    const page = await open("/", 1, /401/);
    await page.locator("#sign-in").waitFor();
    assert.equal(await page.locator("#live").isVisible(), false);
    await page.fill("#token", await signToken(KEY, "ann", 60_000));
    await page.click("#sign-in button");
    await live(page, "ann");
    assert.equal(await page.locator("#watch").isVisible(), false);
    await page.fill("#message", "it is me");
    await page.click("#compose button");
    await line(page, "ann", "it is me").waitFor();
  });

  it("a phone - nothing is wider than the screen, in light and dark mode", async () => {
    const page = await open("/?watch=42,ann");
    await page.setViewportSize({ width: 360, height: 740 });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await live(page, "ann");
      const [wide, contrast] = await measure(page);
      assert.ok(wide <= 360, `${wide} pixels wide`);
      assert.ok(contrast >= 4.5, `contrast ${contrast} in ${colorScheme} mode`);
    }
  });
});

const INKS = ["--ink", "--faint", "--teal", "--warm"];
const GROUNDS = ["--ground", "--card"];

/**
 * Returns the page's width in pixels, and the lowest contrast between its texts and their background (WCAG
 * 2.2, 1.4.3).
 */
async function measure(page: Page): Promise<[number, number]> {
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");
  const colourOf = (name: string): Promise<string> =>
    page.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue("${name}").trim()`);
  const contrasts: number[] = [];
  for (const ink of INKS) {
    for (const ground of GROUNDS) {
      const [light = 0, dark = 0] = [luminance(await colourOf(ink)), luminance(await colourOf(ground))].sort(
        (a, b) => b - a,
      );
      contrasts.push((light + 0.05) / (dark + 0.05));
    }
  }
  return [width, Math.min(...contrasts)];
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
