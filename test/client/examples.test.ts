// Each example of the client runs, and continues after a cut without a gap. The one for React is bundled with
// esbuild, which the build needs anyway, so it imports packages by name as an application does.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { buildSync } from "esbuild";
import type { Page } from "playwright-core";
import { projectRoot } from "../../lib/project.ts";
import { AppServer } from "../support/app-server.ts";
import { embedded } from "../support/brokers.ts";
import { launchPlainBrowser, noBrowser, type PlainBrowser } from "../support/browser.ts";
import { findExecutable } from "../support/find-executable.ts";
import { TestNetwork } from "../support/network.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";

const EXAMPLES = join(projectRoot, "client", "examples");
const USERS = ["page", "react", "htmx", "node", "curl"];

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), "utf8");

/** Mounts the example as an application would. */
function bundleReact(): string {
  const contents = `
    import { createRoot } from "react-dom/client";
    import { Events } from "./use-stream.jsx";
    createRoot(document.body).render(<Events url="/stream" user="react" />);`;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: EXAMPLES, loader: "jsx" },
    ...{ bundle: true, write: false, format: "esm", jsx: "automatic" },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0]?.text ?? "";
}

describe("the examples of the client", () => {
  let network: TestNetwork;
  let server: AppServer;
  let browser: PlainBrowser | undefined;
  const children: ChildProcess[] = [];

  before(async () => {
    network = await TestNetwork.start({ broker: embedded, follows: USERS.map((user) => [user, "42"]) });
    await network.startEdge();
    await network.ready();
    server = await AppServer.start(() => network.url("/"), {
      "/page": read("client", "examples", "page.html"),
      "/react":
        '<!doctype html><title>React</title><body></body><script type="module" src="/react.js"></script>',
      "/react.js": bundleReact(),
      "/htmx": read("client", "examples", "htmx.html"),
      "/htmx.min.js": read("node_modules", "htmx.org", "dist", "htmx.min.js"),
      "/sse.js": read("node_modules", "htmx-ext-sse", "dist", "sse.js"),
    });
    if (!noBrowser) browser = await launchPlainBrowser();
  });
  after(async () => {
    for (const child of children) if (child.pid !== undefined) process.kill(-child.pid);
    await browser?.stop();
    await server?.stop();
    await network?.stop();
  });

  /** Publishes before, during and after a cut, and checks what the example shows, oldest first. */
  const check = async (shown: () => Promise<readonly string[]>): Promise<void> => {
    const seen: string[] = [];
    const isShown = async (count: number): Promise<boolean> => {
      seen.splice(0, seen.length, ...(await shown()));
      return seen.length >= count;
    };
    await waitFor("the example's stream", () => server.open.length === 1);
    network.client.publish("event.42", '{"text":"before"}');
    await waitFor("the first event", () => isShown(1));
    server.cut();
    network.client.publish("event.42", '{"text":"while away"}');
    await waitFor("the event of the absence", () => isShown(2));
    network.client.publish("event.42", '{"text":"<b>back</b>"}');
    await waitFor("the last event", () => isShown(3));
    assert.deepEqual(
      seen.map((line) => /"text":"(.*?)"/.exec(line)?.[1]),
      ["before", "while away", "<b>back</b>"],
    );
  };
  const checkPage = async (path: string): Promise<void> => {
    const page = (await browser?.context.newPage()) as Page;
    await page.goto(new URL(path, server.url).href);
    await check(async () => (await page.locator("ol li").allTextContents()).reverse());
    await page.close();
    await waitFor("the stream to end", () => server.open.length === 0);
  };
  const checkProgram = async (command: readonly string[]): Promise<void> => {
    const [file = "", ...args] = command;
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
    children.push(child);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    await check(async () => output.split("\n").slice(0, -1));
    if (child.pid !== undefined) process.kill(-child.pid);
    children.pop();
    await waitFor("the stream to end", () => server.open.length === 0);
  };
  const stream = (user: string): string => new URL(`/stream?user=${user}`, server.url).href;

  it("page.html - shows every event, without a build step", { skip: noBrowser }, () =>
    checkPage("/page?user=page"),
  );

  it("use-stream.jsx - shows every event with React", { skip: noBrowser }, () => checkPage("/react"));

  it("htmx.html - shows every event with plain EventSource", { skip: noBrowser }, () => checkPage("/htmx"));

  it("node.mjs - prints every event", () =>
    checkProgram([
      process.execPath,
      join(EXAMPLES, "node.mjs"),
      stream("node"),
      join(tempDir(), "cursor.txt"),
    ]));

  it(
    "last-id.sh - prints every event with curl",
    {
      skip: findExecutable("curl") === undefined && "no curl",
    },
    () => checkProgram(["sh", join(EXAMPLES, "last-id.sh"), stream("curl"), join(tempDir(), "id.txt")]),
  );
});
