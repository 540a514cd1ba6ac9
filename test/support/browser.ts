// Debian's Chromium, driven by playwright-core. Nothing is downloaded: if Chromium is not installed, the
// page's tests report themselves as skipped.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { isExecutable } from "./find-executable.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const PATH = "/usr/bin/chromium";
/** Containers and root lack what the sandbox needs; the other flags keep Chromium from contacting Google. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const noBrowser: string | false = isExecutable(PATH) ? false : "no /usr/bin/chromium on this machine";

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

/** A browser as users run it: its hidden pages are throttled, and can be frozen. */
export interface PlainBrowser {
  /** The profile: its tabs share cookies, locks and channels. */
  readonly context: BrowserContext;
  stop(): Promise<void>;
}

/**
 * Launches a browser without the flags and defaults of Playwright, under which pages count as visible for
 * ever, and the connection of a frozen page stays open.
 */
export async function launchPlainBrowser(): Promise<PlainBrowser> {
  const profile = `--user-data-dir=${tempDir()}`;
  const args = ["--headless", ...FLAGS, "--remote-debugging-port=0", profile, "about:blank"];
  const child = spawn(PATH, args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const address = (): string | undefined => /ws:\/\/\S+/.exec(said)?.[0];
  await waitFor("Chromium to listen", () => address() !== undefined);
  const browser = await chromium.connectOverCDP(address() ?? "", { noDefaults: true });
  const [context] = browser.contexts();
  if (context === undefined) throw new Error("the browser has no context");
  return {
    context,
    async stop() {
      await browser.close();
      child.kill();
      await exited;
    },
  };
}
