// Clients of other projects, each reading one stream in a process or page of its own, and what each received.
// Owned by the test, which stops them.

import { type ChildProcess, spawn } from "node:child_process";
import { basename, join } from "node:path";
import type { Browser } from "playwright-core";
import { projectRoot } from "../../lib/project.ts";
import type { Block } from "./blocks.ts";
import { BlockParser } from "./blocks.ts";

export interface ForeignClient {
  readonly name: string;
  /** Begins to read the stream. */
  start(url: URL, onBlock: (block: Block) => void): Promise<void>;
  stop(): Promise<void> | void;
}

interface Message {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

const PROGRAM = join(projectRoot, "dist", "test", "resume", "client-program.js");
/** The time until `curl` is started again. */
const AGAIN_MS = 500;
/** The last characters of a client's standard error, for a failure. */
const MAX_SAID = 500;

function blockOf({ event: given, data, id }: Message): Block {
  const event = given || "message"; // some print nothing for the default
  const cursor = id === undefined || id === "" ? undefined : id;
  const content = JSON.parse(data);
  if (event === "message") return { kind: "event", cursor, event: content };
  if (event === "resync") return { kind: "resync", cursor, hole: content };
  return { kind: event as Block["kind"], cursor };
}

/** A program that prints each message as a line of JSON; `{url}` in its arguments is replaced. */
export class ClientProcess implements ForeignClient {
  readonly name: string;
  readonly #command: readonly string[];
  #child: ChildProcess | undefined;
  said = "";

  constructor(name: string, command: readonly string[]) {
    this.name = name;
    this.#command = command;
  }

  /**
   * A client that client-program.ts runs.
   * @param folder where the package is installed
   * @param runtime runs the program
   */
  static script(kind: string, folder = "", runtime: string = process.execPath): ClientProcess {
    const name = runtime === process.execPath ? kind : `${kind} under ${basename(runtime)}`;
    return new ClientProcess(name, [runtime, PROGRAM, kind, "{url}", folder]);
  }

  async start(url: URL, onBlock: (block: Block) => void): Promise<void> {
    const [file = "", ...args] = this.#command.map((part) => part.replace("{url}", url.href));
    this.#child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    let rest = "";
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const message = JSON.parse(line) as Message | { note: string };
        if ("data" in message) onBlock(blockOf(message));
      }
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.said = (this.said + text).slice(-MAX_SAID);
    });
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
  }
}

/** `curl` in a loop, with its last id. */
export class Curl implements ForeignClient {
  readonly name = "curl";
  #child: ChildProcess | undefined;
  #isStopped = false;

  async start(url: URL, onBlock: (block: Block) => void, last?: string): Promise<void> {
    const resume = last === undefined ? [] : ["-H", `Last-Event-ID: ${last}`];
    const args = ["-sN", "-H", "Accept: text/event-stream", ...resume, url.href];
    this.#child = spawn("curl", args, { stdio: ["ignore", "pipe", "ignore"] });
    const parser = new BlockParser("sse");
    let cursor = last;
    this.#child.stdout?.on("data", (bytes: Buffer) =>
      parser.push(bytes, (block) => {
        cursor = block.cursor ?? cursor;
        onBlock(block);
        return true;
      }),
    );
    this.#child.on("close", () => {
      if (!this.#isStopped) setTimeout(() => void this.start(url, onBlock, cursor), AGAIN_MS);
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#child?.kill("SIGKILL");
  }
}

/** What a page calls for each message. */
type Note = (message: Message) => Promise<void>;

/** A page in a browser that reads the stream in its own way. */
export class BrowserClient implements ForeignClient {
  readonly name: string;
  readonly #browser: Browser;
  readonly #scripts: readonly string[];
  /** Runs in the page. */
  readonly #read: (url: string) => void;
  #close: (() => Promise<void>) | undefined;

  constructor(name: string, browser: Browser, read: (url: string) => void, scripts: readonly string[] = []) {
    this.name = name;
    this.#browser = browser;
    this.#read = read;
    this.#scripts = scripts;
  }

  async start(url: URL, onBlock: (block: Block) => void): Promise<void> {
    const page = await this.#browser.newPage({ bypassCSP: true });
    this.#close = () => page.close();
    await page.goto(new URL("/session", url).href);
    await page.exposeFunction("note", (message: Message) => onBlock(blockOf(message)));
    for (const path of this.#scripts) await page.addScriptTag({ path });
    await page.evaluate(this.#read, url.href);
  }

  async stop(): Promise<void> {
    await this.#close?.();
  }
}

/** Reads a stream with the browser's own EventSource. Runs in a page. */
export function readInPage(url: string): void {
  const { EventSource, note } = globalThis as unknown as {
    EventSource: new (url: string) => EventTarget;
    note: Note;
  };
  const source = new EventSource(url);
  for (const event of ["message", "welcome", "cursor", "resync", "goodbye"])
    source.addEventListener(event, (received) => {
      const { data, lastEventId } = received as Event & { data: string; lastEventId: string };
      void note({ event, data, id: lastEventId });
    });
}

/** Reads a stream with htmx's extension, which swaps each message into the page. Runs in a page. */
export function readWithHtmx(url: string): void {
  const { document, htmx, note } = globalThis as unknown as {
    document: { body: EventTarget & { innerHTML: string } };
    htmx: { process(element: object): void };
    note: Note;
  };
  const { body } = document;
  const swaps = ["message", "welcome", "cursor", "resync", "goodbye"].map(
    (event) => `<div sse-swap="${event}"></div>`,
  );
  body.innerHTML = `<div hx-ext="sse" sse-connect="${url}">${swaps.join("")}</div>`;
  body.addEventListener("htmx:sseMessage", (received) => {
    const { type, data, lastEventId } = (
      received as Event & { detail: { type: string; data: string; lastEventId: string } }
    ).detail;
    void note({ event: type, data, id: lastEventId });
  });
  htmx.process(body);
}
