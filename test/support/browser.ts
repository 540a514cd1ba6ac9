// Debian's Chromium, driven by playwright-core. Nothing is downloaded: if Chromium is not installed, the
// page's tests report themselves as skipped.

import { type Browser, chromium } from "playwright-core";
import { isExecutable } from "./find-executable.ts";

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
