// Shared code of the Node servers in the peers bench: the messages, and the commands that the bench sends
// over IPC. The server generates its messages itself, so that only holding and writing are measured. It ends
// with the bench.

/** Length of a message, including its stamp. */
export const PAYLOAD_BYTES = 100;
const FILLER: string = "m".repeat(PAYLOAD_BYTES - 18);
/** Writes per turn of the event loop. */
const BATCH = 64;

export type Order =
  | { readonly type: "count" }
  | { readonly type: "each"; readonly times: number }
  | { readonly type: "random"; readonly messages: number }
  | { readonly type: "paced"; readonly rate: number; readonly seconds: number };
export type Answer =
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "count"; readonly count: number }
  | { readonly type: "done" };

/** Text that ends with the time, which the reader searches for. */
export function nextMessage(): string {
  const us = Math.round((performance.timeOrigin + performance.now()) * 1000);
  return `${FILLER}@@${us}`;
}

/** Executes commands of the bench. `connections` is the server's own list; nothing else is stored. */
export function drive<T>(port: number, connections: T[], write: (connection: T, text: string) => void): void {
  const toRandom = (): void => {
    const connection = connections[Math.floor(Math.random() * connections.length)];
    if (connection !== undefined) write(connection, nextMessage());
  };
  const obey = async (order: Order): Promise<Answer> => {
    if (order.type === "count") return { type: "count", count: connections.length };
    if (order.type === "each")
      await inBatches(order.times * connections.length, (index) => {
        const connection = connections[index % connections.length];
        if (connection !== undefined) write(connection, nextMessage());
      });
    else if (order.type === "random") await inBatches(order.messages, toRandom);
    else await pace(order.rate, order.seconds, toRandom);
    return { type: "done" };
  };
  process.on("disconnect", () => process.exit(0));
  process.on("message", (order: Order) => void obey(order).then((answer) => process.send?.(answer)));
  process.send?.({ type: "listening", port } satisfies Answer);
}

/** Removes a connection from the list. */
export function forget<T>(connections: T[], connection: T): void {
  const index = connections.indexOf(connection);
  const last = connections.pop();
  if (last !== undefined && index >= 0 && index < connections.length) connections[index] = last;
}

async function inBatches(times: number, act: (index: number) => void): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    act(index);
    if (index % BATCH === BATCH - 1) await new Promise(setImmediate);
  }
}

/** Calls a function at this rate for this time. */
export async function pace(rate: number, seconds: number, act: () => void): Promise<void> {
  const startedAtMs = performance.now();
  for (let done = 0; done < rate * seconds; ) {
    const due = Math.min(rate * seconds, ((performance.now() - startedAtMs) / 1000) * rate);
    for (; done < due; done += 1) act();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
