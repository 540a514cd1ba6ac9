// Takes docs/page.png, the picture in the README, from the real page of an `encke up` with its demo graph.
// Run `npm run build` first; needs Debian's Chromium.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const encke = join(root, "dist", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "encke-shot-"));

const up = spawn(process.execPath, [encke, "up", "--broker", "embedded", "--data", join(folder, "graph")]);
let said = "";
await new Promise((resolve) => {
  up.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
    if (said.includes("Ctrl-C")) resolve();
  });
});
const page = /page +(\S+)/.exec(said)[1];

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const view = await browser.newPage({ viewport: { width: 1180, height: 900 }, deviceScaleFactor: 1 });
  await view.goto(new URL("/?watch=4200,9266,57", page).href);
  for (const user of ["4200", "9266", "57"])
    await view.locator(`.panel[data-user="${user}"][data-state="live"]`).waitFor();
  const say = (topic, text) => fetch(new URL(`/events/${topic}`, page), { method: "POST", body: text });
  await say("57", "first light on the new telescope");
  await say("4200", "who else saw it last night?");
  await view.fill("#author", "4200");
  await say("4200", '{"photo":789,"title":"Encke over the bay"}');
  await view.locator("#constellation .person.author.lit").waitFor();
  await view.waitForTimeout(350); // the picture shows sparks in flight
  await view.screenshot({ path: process.argv[2] ?? join(root, "docs", "page.png"), fullPage: true });
} finally {
  await browser.close();
  up.kill("SIGINT");
  await new Promise((resolve) => up.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
}
