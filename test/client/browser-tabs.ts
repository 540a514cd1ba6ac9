// Tabs of one browser that follow users with encke-client, and what each received, compared with what was
// published. Owned by a test, which closes the context.

import assert from "node:assert/strict";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { FLAWLESS, faultsOf, type Ledger } from "../resume/checker.ts";
import type { Received } from "../resume/received.ts";
import type { AppServer } from "../support/app-server.ts";
import { waitFor } from "../support/wait-for.ts";

/** Maximum time with two streams, or with none, while one tab takes over from another. */
export const TAKEOVER_MS = 5_000;

/** A page that does nothing until a test calls `read`, `signIn` or `signOut` in it. */
export const TAB_PAGE = `<!doctype html><title>A tab</title><link rel="icon" href="data:,">
<script type="module">
  import { follow, signIn, signOut } from "/encke-client.js";
  const types = ["open", "event", "resync", "goodbye", "lost", "close"];
  // a reload may lose what was just passed to the test, so it is passed again
  const last = JSON.parse(sessionStorage.getItem("last") ?? "[]");
  for (const noted of last) note(noted);
  const keep = (noted) => {
    noted.nth = (last.at(-1)?.nth ?? 0) + 1;
    last.push(noted);
    last.splice(0, last.length - 20);
    sessionStorage.setItem("last", JSON.stringify(last));
    note(noted);
  };
  const read = (options) => {
    const stream = follow("/stream", { share: true, ...options });
    for (const type of types)
      stream.addEventListener(type, ({ detail }) => {
        keep({ type, detail: { ...detail, code: detail?.code, message: detail?.message } });
      });
    stream.addEventListener("cursor", ({ detail }) => sessionStorage.setItem("cursor", detail));
  };
  Object.assign(globalThis, { read, signIn, signOut });
</script>`;

/** What a stream in a tab dispatched. */
export interface Noted {
  /** Counted from 1 in each tab. */
  readonly nth: number;
  readonly type: string;
  readonly detail: {
    readonly code?: string;
    readonly topic?: string;
    readonly reason?: string;
    readonly since?: string;
    readonly data?: { readonly n: number };
  };
}

export interface ReadOptions {
  readonly user: string;
  /** Continues from the cursor that the tab has stored. */
  readonly resumes?: boolean;
  /** Takes a token from the test for each request. */
  readonly hasToken?: boolean;
}

export class BrowserTab {
  readonly page: Page;
  readonly path: string;
  readonly user: string;
  readonly noted: Noted[] = [];
  readonly #cdp: CDPSession;
  readonly #ledger: Ledger;
  #received: Received | undefined;

  private constructor(page: Page, path: string, user: string, cdp: CDPSession, ledger: Ledger) {
    this.page = page;
    this.path = path;
    this.user = user;
    this.#cdp = cdp;
    this.#ledger = ledger;
  }

  /** Opens a tab; it reads nothing yet. */
  static async open(
    context: BrowserContext,
    { url }: AppServer,
    ledger: Ledger,
    user: string,
    name: string,
  ): Promise<BrowserTab> {
    const page = await context.newPage();
    const path = `/tab?${name}`;
    const tab = new BrowserTab(page, path, user, await context.newCDPSession(page), ledger);
    await page.exposeFunction("note", (noted: Noted) => tab.#note(noted));
    await page.goto(new URL(path, url).href);
    await tab.#untilLoaded();
    return tab;
  }

  /** Follows the user, and resolves once the stream is open: from then on it is owed every event. */
  async read(options: Omit<ReadOptions, "user"> = {}): Promise<void> {
    const opened = this.noted.length;
    await this.page.evaluate(readInPage, { ...options, user: this.user });
    await waitFor(`${this.path} to be open`, () =>
      this.noted.slice(opened).some(({ type }) => type === "open"),
    );
    if (this.#received !== undefined) return;
    this.#received = this.#ledger.addReader(this.user, this.path);
    // an event from before this moment may come as well: the stream has been open for longer
    for (const [topic, [range]] of this.#received.ranges)
      this.#received.mayBelow.set(topic, range?.from ?? 0);
    // what arrived while it opened is also its own
    for (const noted of this.noted) this.#receive(noted);
  }

  get received(): Received {
    assert.ok(this.#received !== undefined, "the tab reads nothing");
    return this.#received;
  }

  get isUpToDate(): boolean {
    return this.#ledger.isUpToDate(this.received);
  }

  /** The code with which the stream has ended: undefined while it is open. */
  get closedWith(): string | undefined {
    return this.noted.find(({ type }) => type === "close")?.detail.code;
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.#untilLoaded();
    await this.read({ resumes: true });
  }

  async setFrozen(isFrozen: boolean): Promise<void> {
    await this.#cdp.send("Page.setWebLifecycleState", { state: isFrozen ? "frozen" : "active" });
  }

  /** Kills the tab's process. */
  async crash(): Promise<void> {
    const crashed = new Promise((resolve) => this.page.once("crash", resolve));
    this.#cdp.send("Page.crash").catch(() => {}); // the page is no longer there to reply
    await crashed;
  }

  /**
   * Compares what the tab received with what was published. A tab that opens under load may have events from
   * before the test noticed that it was open.
   */
  assertFlawless(): void {
    const { received } = this;
    for (const [topic, [range]] of received.ranges)
      if (range !== undefined)
        range.from = Math.min(range.from, received.numbers.get(topic)?.[0] ?? range.from);
    const { examples, ...verdict } = this.#ledger.check([received]);
    assert.deepEqual(faultsOf({ ...verdict, examples }), FLAWLESS, examples.join("\n"));
    assert.ok(verdict.received > 0, `${this.path} received nothing`);
  }

  async #untilLoaded(): Promise<void> {
    await this.page.waitForFunction("globalThis.read !== undefined");
  }

  #note(noted: Noted): void {
    if (noted.nth <= (this.noted.at(-1)?.nth ?? 0)) return;
    this.noted.push(noted);
    if (this.#received !== undefined) this.#receive(noted);
  }

  #receive({ type, detail }: Noted): void {
    const { reason = "", since } = detail;
    if (type === "event") this.received.note({ kind: "event", cursor: undefined, event: detail as never });
    else if (type === "resync")
      this.received.note({ kind: "resync", cursor: undefined, hole: { reason, ...(since && { since }) } });
  }
}

/** Periods in which other than one stream was open, between the first that began and now. */
export interface Exception {
  readonly open: number;
  readonly ms: number;
}

/** Returns the periods since a moment in which other than one stream was open. */
export function exceptionsIn({ streams }: AppServer, sinceMs: number): Exception[] {
  const now = performance.now();
  const changes = streams
    .flatMap(({ beganAtMs, endedAtMs }) => [
      { atMs: beganAtMs, by: 1 },
      { atMs: endedAtMs, by: -1 },
    ])
    .filter(({ atMs }) => atMs <= now)
    .sort((a, b) => a.atMs - b.atMs);
  const exceptions: Exception[] = [];
  let open = 0;
  for (const [nth, { atMs, by }] of changes.entries()) {
    open += by;
    const ms = (changes[nth + 1]?.atMs ?? now) - Math.max(atMs, sinceMs);
    if (open !== 1 && ms > 0) exceptions.push({ open, ms });
  }
  return exceptions;
}

/** Runs in a page. */
function readInPage({ user, resumes, hasToken }: ReadOptions): void {
  const { read, sessionStorage, token } = globalThis as unknown as {
    read: (options: object) => void;
    sessionStorage: { getItem(key: string): string | null };
    token: () => Promise<string>;
  };
  const cursor = resumes === true ? sessionStorage.getItem("cursor") : null;
  read({ user, ...(cursor !== null && { cursor }), ...(hasToken === true && { token }) });
}
