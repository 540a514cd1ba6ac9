// Debian's Chromium, driven by playwright-core. Nothing is downloaded; where it is not installed, tests of the page
// are skipped and say so.

import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATH = "/usr/bin/chromium";
/** The sandbox needs what containers and root do not have; the rest keeps it from looking for Google. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const noBrowser: string | false = canRun() ? false : "no /usr/bin/chromium on this machine";

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

function canRun(): boolean {
  try {
    accessSync(PATH, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
