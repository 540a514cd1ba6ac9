// The readers of storm.ts, in a process of their own: opens a stream per user over bare sockets, counts
// events and resyncs, cuts all connections, and returns with the last cursors. Commands and replies are
// messages between parent and child.

import { connect, type Socket } from "node:net";

/** Connections being opened at a time. */
const OPENING = 500;

export type Command =
  | { readonly do: "open"; readonly port: number; readonly users: number }
  | { readonly do: "cut" }
  /** Opens all streams with their last cursors. `missed` is the number of events that each has missed. */
  | { readonly do: "return"; readonly missed: readonly number[] };

export interface Returned {
  /**
   * Seconds from the first connection to the last, and from the last connection until nothing was missing.
   */
  readonly connectedS: number;
  readonly completeS: number;
  readonly resyncs: number;
  readonly goodbyes: number;
  /** Streams that received more or fewer events than they had missed. */
  readonly wrong: number;
}

interface Stream {
  socket: Socket;
  cursor: string;
  events: number;
  rest: string;
}

const streams: (Stream | undefined)[] = [];
let port = 0;
let resyncs = 0;
let goodbyes = 0;
let onRead = (): void => {};

process.on("message", (command: Command) => {
  void run(command).then((reply) => process.send?.(reply));
});

async function run(command: Command): Promise<Returned | "done"> {
  if (command.do === "open") {
    port = command.port;
    await openAll(Array.from({ length: command.users }, () => ""));
    return "done";
  }
  if (command.do === "cut") {
    for (const stream of streams) stream?.socket.destroy();
    return "done";
  }
  [resyncs, goodbyes] = [0, 0];
  const { missed } = command;
  const startedAt = performance.now();
  let isDone: () => void = () => {};
  const complete = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  onRead = (): void => {
    if (streams.every((stream, user) => (stream?.events ?? 0) >= (missed[user] ?? 0))) isDone();
  };
  const checking = setInterval(onRead, 50);
  await openAll(streams.map((stream) => stream?.cursor ?? ""));
  const connectedAt = performance.now();
  await Promise.race([complete, new Promise((resolve) => setTimeout(resolve, 60_000))]);
  clearInterval(checking);
  return {
    connectedS: (connectedAt - startedAt) / 1000,
    completeS: (performance.now() - connectedAt) / 1000,
    ...{ resyncs, goodbyes },
    wrong: streams.filter((stream, user) => stream?.events !== missed[user]).length,
  };
}

/** Opens a stream per user and resolves when all have begun. */
async function openAll(cursors: readonly string[]): Promise<void> {
  let next = 0;
  const openSome = async (): Promise<void> => {
    for (let user = next; user < cursors.length; user = next) {
      next += 1;
      await open(user, cursors[user] ?? "");
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openSome));
}

function open(user: number, cursor: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const stream: Stream = { socket, cursor, events: 0, rest: "" };
    streams[user] = stream;
    const id = cursor === "" ? "" : `Last-Event-ID: ${cursor}\r\n`;
    socket.on("connect", () =>
      socket.write(
        `GET /stream?user=${user + 1} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${id}\r\n`,
      ),
    );
    socket.on("data", (data) => {
      read(stream, data.toString("latin1"));
      resolve();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

function read(stream: Stream, text: string): void {
  const lines = (stream.rest + text).split("\n");
  stream.rest = lines.pop() ?? "";
  for (const line of lines) {
    if (line.startsWith("id: ")) stream.cursor = line.slice(4).trim();
    else if (line.startsWith('data: {"id"')) stream.events += 1;
    else if (line.startsWith("event: resync")) resyncs += 1;
    else if (line.startsWith("event: goodbye")) goodbyes += 1;
  }
}
