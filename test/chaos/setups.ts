// The setups under which the chaos test runs: servers, services and edges, and what each promises. A form of
// intake, or standbys, is one more setup. CHAOS_SETUP selects by name, separated by commas.

import type { FanoutMode } from "../../broker/index.ts";
import { defaultPoolKind, type PoolKind } from "../../edge/index.ts";
import { natsServer } from "../support/nats-servers.ts";

/** Routes in a cluster of older servers differ, and it is not what operators run. */
const OLDEST_CLUSTERED = 11;

export interface EdgeSetup {
  readonly fanout: FanoutMode;
  readonly pool: PoolKind;
}

export interface Setup {
  readonly name: string;
  /** Number of NATS nodes. */
  readonly nodes: 1 | 3;
  /** Shares in the form of `--partitions`, one service each. */
  readonly shares: readonly string[];
  readonly partitions: number;
  /** Whether the nodes have JetStream. */
  readonly hasStreams: boolean;
  /** Flags of every graph service. */
  readonly graph: readonly string[];
  readonly edges: readonly EdgeSetup[];
  /** Why it cannot run here, or false if it can. */
  readonly skip: string | false;
}

const NATIVE = defaultPoolKind();
const EDGES: readonly EdgeSetup[] = [
  { fanout: "frames", pool: NATIVE },
  { fanout: "subject", pool: "plain" },
  { fanout: "frames", pool: "plain" },
  { fanout: "subject", pool: NATIVE },
];

const HALVES = { shares: ["0/2", "1/2"], partitions: 2, edges: EDGES } as const;
/** What was published while no service listened may be lost. */
const CORE = { ...HALVES, hasStreams: false, graph: ["--intake", "core"] } as const;
/** Streams keep what is published while no service listens. */
const STREAMS = {
  ...{ ...HALVES, hasStreams: true },
  graph: ["--intake", "jetstream", "--stream-bytes", "256MiB", "--fan-out-within", "2m"],
} as const;

const one = { nodes: 1, skip: natsServer.skip } as const;
const three = { nodes: 3, skip: natsServer.skip || skipCluster(natsServer.name) } as const;
const SETUPS: readonly Setup[] = [
  { name: "core-one", ...CORE, ...one },
  { name: "core-three", ...CORE, ...three },
  { name: "streams-one", ...STREAMS, ...one },
  { name: "streams-three", ...STREAMS, ...three },
];

/** Returns the setups to run: those that CHAOS_SETUP names, otherwise the first, or all in the long form. */
export function setupsOf(wanted: string | undefined, isLong: boolean): readonly Setup[] {
  if (wanted === undefined) return isLong ? SETUPS : SETUPS.slice(0, 1);
  return wanted.split(",").map((name) => {
    const setup = SETUPS.find((candidate) => candidate.name === name);
    if (setup !== undefined) return setup;
    throw new Error(
      `CHAOS_SETUP=${wanted}: choose from ${SETUPS.map((candidate) => candidate.name).join(", ")}`,
    );
  });
}

function skipCluster(server: string): string | false {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(server) ?? [];
  if (Number(major) > 2 || Number(minor) >= OLDEST_CLUSTERED) return false;
  return `${server} is too old for the cluster: set NATS_SERVER to 2.${OLDEST_CLUSTERED} or newer`;
}
