// One reconnecting client of another project, as a process: it reads a stream for ever and prints each
// message as a line of JSON, {event, data, id}. The package is imported from a folder outside of this
// project, because nothing here depends on it.
//
//   node client-program.js KIND URL FOLDER

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What all of these libraries call EventSource. */
interface SourceLike {
  addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void): void;
}
type SourceClass = new (url: string, options?: object) => SourceLike;
/** The ways in which packages export the class. */
interface Exports {
  readonly EventSource?: SourceClass;
  readonly EventSourcePolyfill?: SourceClass;
  readonly default?: SourceClass & Exports;
  readonly createEventSource?: (options: object) => unknown;
  readonly fetchEventSource?: (url: string, options: object) => Promise<void>;
}
interface Message {
  readonly event?: string | undefined;
  readonly data: string;
  readonly id?: string | undefined;
}

const TYPES = ["message", "welcome", "cursor", "resync", "goodbye"];
const AGAIN_MS = 500;

const [kind = "", url = "", folder = ""] = process.argv.slice(2);

function print({ event, data, id }: Message): void {
  process.stdout.write(`${JSON.stringify({ event: event || "message", data, id })}\n`);
}

async function load(name: string): Promise<Exports> {
  const path = createRequire(join(folder, "package.json")).resolve(name);
  return (await import(pathToFileURL(path).href)) as Exports;
}

function listen(source: SourceLike): void {
  for (const event of TYPES)
    source.addEventListener(event, ({ data, lastEventId }) => print({ event, data, id: lastEventId }));
}

/** A loop around `fetch`, as applications write it. */
async function fetchForever(): Promise<void> {
  let last = "";
  for (;;) {
    try {
      const headers = { Accept: "text/event-stream", ...(last !== "" && { "Last-Event-ID": last }) };
      const { body } = await fetch(url, { headers });
      let text = "";
      for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) {
          const field = (name: string): string | undefined =>
            new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
          last = field("id") ?? last;
          print({ event: field("event"), data: field("data") ?? "", id: last });
        }
      }
    } catch {
      // the edge is not there: again
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

const {
  [kind]: run = (): Promise<never> => Promise.reject(new Error(`no client ${kind}`)),
}: Record<string, () => Promise<unknown>> = {
  fetch: fetchForever,
  "eventsource-client": async () =>
    (await load("eventsource-client")).createEventSource?.({ url, onMessage: print }),
  "fetch-event-source": async () => {
    // the library expects a page; its onclose must throw, or it does not reconnect
    const listener = { addEventListener: () => {}, removeEventListener: () => {} };
    Object.assign(globalThis, { document: { hidden: false, ...listener }, window: globalThis });
    await (await load("@microsoft/fetch-event-source")).fetchEventSource?.(url, {
      openWhenHidden: true,
      onmessage: print,
      onclose: () => {
        throw new Error("again");
      },
      onerror: () => {},
    });
  },
};

// some libraries wait for their next attempt with timers that do not keep a process alive
setInterval(() => {}, AGAIN_MS);

if (["eventsource2", "eventsource3", "eventsource4", "eventsource5", "undici"].includes(kind)) {
  const exports = await load(kind);
  const Source = exports.EventSource ?? exports.default?.EventSource ?? exports.default;
  if (Source === undefined) throw new Error(`${kind} has no EventSource`);
  listen(new Source(url));
} else if (kind === "event-source-polyfill") {
  const exports = await load(kind);
  const Source = exports.EventSourcePolyfill ?? exports.default?.EventSourcePolyfill;
  if (Source === undefined) throw new Error("no EventSourcePolyfill");
  listen(new Source(url));
} else await run();
