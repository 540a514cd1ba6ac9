// The network of the lab: a bridge in its own namespace, one namespace per host, and one for the operator
// (Ansible and the readers). Its addresses exist only in these namespaces, and nothing in them can reach
// outside.

import { existsSync } from "node:fs";
import { run } from "../run.ts";
import type { Topology } from "../topology/topology.ts";
import { killAll } from "./kill.ts";

const FABRIC = "encke-fabric";
export const OPERATOR = "encke-operator";

const namespaceOf = (host: string): string => `encke-${host}`;

/** @throws InfraError TOOL_FAILED */
export async function makeNetwork(topology: Topology): Promise<void> {
  const [network = "", bits = ""] = topology.network.split("/");
  await ip(`netns add ${FABRIC}`);
  await ip(`-n ${FABRIC} link add bridge type bridge`);
  await ip(`-n ${FABRIC} link set bridge up`);
  const ends = [
    [OPERATOR, network.replace(/\d+$/, "1")], // the topology leaves the first address free
    ...Object.entries(topology.hosts).map(([name, host]) => [namespaceOf(name), host.private]),
  ];
  for (const [index, [namespace = "", address = ""]] of ends.entries()) {
    const port = `port${index}`;
    await ip(`netns add ${namespace}`);
    await ip(`-n ${namespace} link set lo up`);
    await ip(`link add ${port} netns ${FABRIC} type veth peer name eth0 netns ${namespace}`);
    await ip(`-n ${FABRIC} link set ${port} master bridge up`);
    await ip(`-n ${namespace} addr add ${address}/${bits} dev eth0`);
    await ip(`-n ${namespace} link set eth0 up`);
  }
}

/**
 * Kills what still runs in the namespace of the operator: SSH keeps connections open for minutes. Idempotent.
 * @throws Error if a process survives
 */
async function endOperator(): Promise<void> {
  if (!existsSync(`/run/netns/${OPERATOR}`)) return;
  await killAll(OPERATOR, async () => {
    const { stdout } = await run("ip", ["netns", "pids", OPERATOR]);
    return stdout.split("\n").filter(Boolean).map(Number);
  });
}

/** Idempotent. */
export async function endNetwork(topology: Topology): Promise<void> {
  await endOperator();
  for (const namespace of [OPERATOR, ...Object.keys(topology.hosts).map(namespaceOf), FABRIC]) {
    if (existsSync(`/run/netns/${namespace}`)) await ip(`netns delete ${namespace}`);
  }
}

async function ip(args: string): Promise<void> {
  await run("ip", args.split(" "));
}
