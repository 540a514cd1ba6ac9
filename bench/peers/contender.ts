// A server under test: it runs in a fresh process, and every contender is told to send through the same
// interface. The process that holds the streams is the one that is measured.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { WORKER_FLAGS } from "../../edge/index.ts";
import type { Answer, Order } from "./servers/drive.ts";

/** Number of messages that the reader has received since its last reset. */
export type Received = () => Promise<number>;

export interface Contender {
  readonly port: number;
  /** Id of the process that is measured. */
  readonly pid: number;
  /** Number of streams that it holds. */
  count(): Promise<number>;
  /** Sends this many messages to every stream. */
  each(times: number, received: Received): Promise<void>;
  /** Sends messages to random streams as fast as possible. */
  random(messages: number, received: Received): Promise<void>;
  /** Sends messages to random streams at a steady rate. */
  paced(rate: number, seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Stops a contender if the bench is interrupted, because services in process groups of their own would
 * survive it. Returns a function that undoes this.
 */
export function stopOnSignal(contender: Contender): () => void {
  const onSignal = (): void => void contender.stop().finally(() => process.exit(130));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, onSignal);
  return () => {
    for (const signal of signals) process.removeListener(signal, onSignal);
  };
}

/** Starts one of the programs in servers/, with the small young generation that Encke's own workers have. */
export async function startNodeServer(program: string): Promise<Contender> {
  const path = fileURLToPath(new URL(`./servers/${program}${import.meta.url.slice(-3)}`, import.meta.url));
  const child = fork(path, { execArgv: [...WORKER_FLAGS] });
  const listening = await answerOf(child);
  const ask = (order: Order): Promise<Answer> => {
    child.send(order);
    return answerOf(child);
  };
  return {
    port: listening.type === "listening" ? listening.port : 0,
    pid: child.pid ?? 0,
    async count() {
      const answer = await ask({ type: "count" });
      return answer.type === "count" ? answer.count : 0;
    },
    each: async (times) => void (await ask({ type: "each", times })),
    random: async (messages) => void (await ask({ type: "random", messages })),
    paced: async (rate, seconds) => void (await ask({ type: "paced", rate, seconds })),
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`server ${child.spawnfile} ended: see its output above`));
    child.once("exit", onExit);
    child.once("message", (answer: Answer) => {
      child.removeListener("exit", onExit);
      resolve(answer);
    });
  });
}
