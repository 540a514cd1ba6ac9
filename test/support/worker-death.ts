// Measures what readers notice when one of many edge workers is killed under load: how many streams are cut,
// and how long it takes until each of them is open again. A test runs it on a small scale, a bench on a large
// one.

import { layoutFor, readMachine } from "../../edge/index.ts";
import { childrenOf } from "../../lib/processes.ts";
import { FloodFleet, socketsOf } from "../../load/index.ts";
import { Services } from "./services.ts";
import { waitFor } from "./wait-for.ts";

const LOAD_SECONDS = 60;
const SENDERS = 10;
const OPEN_MS = 300_000;
const BACK_MS = 30_000;

export interface WorkerDeath {
  readonly workers: number;
  readonly streams: number;
  /** Streams on the worker that was killed. */
  readonly heldByVictim: number;
  /** Streams that ended unexpectedly. */
  readonly cut: number;
  readonly secondsUntilBack: number;
  readonly messagesAfter: number;
}

/**
 * Kills one worker of a loaded edge and watches its streams.
 * @throws Error if the streams do not open or do not reopen
 */
export async function killOneWorker(workers: number, streams: number, rate: number): Promise<WorkerDeath> {
  const services = await Services.start({
    broker: "nats-server",
    fanout: "frames",
    edge: ["--workers", String(workers)],
  });
  const before = new Map(childrenOf(services.edgeSupervisor).map((pid) => [pid, socketsOf(pid)]));
  const { openFiles, ports } = readMachine({}, { flood: true });
  const { floodProcesses, sources } = layoutFor(streams, openFiles.soft, ports);
  const fleet = new FloodFleet(
    {
      targets: {
        kind: "counted",
        base: new URL("/stream?user=", services.edge).href,
        firstId: 1,
        step: 1,
        count: streams,
      },
      rate: 10_000,
      opening: 1_000,
      sources,
      reopen: true,
    },
    floodProcesses,
  );
  try {
    await waitFor("every stream to be open", async () => (await fleet.counts()).active === streams, OPEN_MS);
    await services.run(
      [
        ...["msggen", "--to", "user", "--messages", String(rate * LOAD_SECONDS), "--max", String(streams)],
        ...["--interval", String(Math.ceil((1000 * SENDERS) / rate)), "--senders", String(SENDERS)],
      ],
      /^/,
    );
    const { bytes } = await fleet.counts();
    const underLoad = async (): Promise<boolean> => (await fleet.counts()).bytes > bytes + rate * 100;
    await waitFor("a second's worth of messages", underLoad);
    const [[victim = 0, idle = 0] = []] = [...before];
    const heldByVictim = socketsOf(victim) - idle;
    process.kill(victim, "SIGKILL");
    const startedAt = performance.now();
    const isBack = async (): Promise<boolean> => {
      const { active, reopened } = await fleet.counts();
      return active === streams && reopened >= heldByVictim;
    };
    await waitFor("every stream to be open again", isBack, BACK_MS);
    const secondsUntilBack = Number(((performance.now() - startedAt) / 1000).toFixed(1));
    const { chunks } = await fleet.counts();
    await waitFor("further messages", async () => (await fleet.counts()).chunks > chunks);
    const { closed, chunks: later } = await fleet.counts();
    return {
      ...{ workers, streams, heldByVictim, cut: closed, secondsUntilBack },
      messagesAfter: later - chunks,
    };
  } finally {
    await fleet.close();
    await services.stop();
  }
}
