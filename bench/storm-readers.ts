// The readers of storm.ts and rolling.ts, in a process of their own: opens a stream per user over bare
// sockets, counts events and resyncs, cuts all connections or stays with the edge when it ends them, and
// returns with the last cursors. Commands and replies are messages between parent and child.

import { connect, type Socket } from "node:net";

/** Connections being opened at a time. */
const OPENING = 500;
/** When the edge has not said anything. */
const FIRST_RETRY_MS = 1_000;

export type Command =
  | { readonly do: "open"; readonly port: number; readonly users: number }
  | { readonly do: "cut" }
  /** From now on, a stream that ends comes back when the edge asks for it. Events are counted again. */
  | { readonly do: "stay" }
  /** Waits until every stream has received this many events since `stay`. */
  | { readonly do: "compare"; readonly expected: readonly number[] }
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

export interface Compared {
  readonly received: number;
  /** Events that streams lack, or have more than they should. */
  readonly lost: number;
  readonly tooMany: number;
  /** Events that came again, or after a later one. */
  readonly misplaced: number;
  readonly resyncs: number;
  readonly goodbyes: number;
}

interface Stream {
  socket: Socket;
  cursor: string;
  events: number;
  rest: string;
  /** The time after which the edge asks the reader to come back. */
  retryMs: number;
  /** The cursor of the block that has begun: it counts once the block is complete. */
  begun: string;
  /** The number of the last event. */
  last: number;
}

const streams: (Stream | undefined)[] = [];
let port = 0;
let resyncs = 0;
let goodbyes = 0;
let isStaying = false;
/** Events that came again, or after a later one. */
let misplaced = 0;
let onRead = (): void => {};

process.on("message", (command: Command) => {
  void run(command).then((reply) => process.send?.(reply));
});

async function run(command: Command): Promise<Returned | Compared | "done"> {
  switch (command.do) {
    case "open":
      port = command.port;
      await openAll(Array.from({ length: command.users }, () => ""));
      return "done";
    case "cut":
      for (const stream of streams) stream?.socket.destroy();
      return "done";
    case "stay":
      isStaying = true;
      [resyncs, goodbyes] = [0, 0];
      for (const stream of streams) if (stream !== undefined) stream.events = 0;
      return "done";
    case "compare":
      return compare(command.expected);
    case "return":
      return comeBack(command.missed);
  }
}

async function comeBack(missed: readonly number[]): Promise<Returned> {
  [resyncs, goodbyes] = [0, 0];
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

async function compare(expected: readonly number[]): Promise<Compared> {
  const receivedBy = (user: number): number => streams[user]?.events ?? 0;
  const isThere = (): boolean => expected.every((count, user) => receivedBy(user) >= count);
  for (let waitedMs = 0; waitedMs < 30_000 && !isThere(); waitedMs += 100)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const sum = (of: (count: number, user: number) => number): number =>
    expected.reduce((total, count, user) => total + of(count, user), 0);
  return {
    received: sum((_, user) => receivedBy(user)),
    lost: sum((count, user) => Math.max(0, count - receivedBy(user))),
    tooMany: sum((count, user) => Math.max(0, receivedBy(user) - count)),
    ...{ misplaced, resyncs, goodbyes },
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
    const { events = 0, last = -1 } = (isStaying && streams[user]) || {};
    const stream: Stream = { socket, cursor, events, last, rest: "", begun: "", retryMs: FIRST_RETRY_MS };
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
    socket.on("close", () => {
      resolve();
      if (isStaying) setTimeout(() => void open(user, stream.cursor), stream.retryMs);
    });
  });
}

function read(stream: Stream, text: string): void {
  const lines = (stream.rest + text).split("\n");
  stream.rest = lines.pop() ?? "";
  for (const line of lines) {
    if (line === "") stream.cursor = stream.begun || stream.cursor;
    else if (line.startsWith("id: ")) stream.begun = line.slice(4);
    else if (line.startsWith("retry: ")) stream.retryMs = Number(line.slice(7));
    else if (line.startsWith('data: {"id"')) receive(stream, line);
    else if (line.startsWith("event: resync")) resyncs += 1;
    else if (line.startsWith("event: goodbye")) goodbyes += 1;
  }
}

function receive(stream: Stream, line: string): void {
  stream.events += 1;
  const n = Number(/"n":(\d+)/.exec(line)?.[1] ?? stream.last + 1);
  if (n <= stream.last) misplaced += 1;
  stream.last = n;
}
