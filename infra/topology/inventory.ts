// Turns the topology into an Ansible inventory: groups by role, and the variables of each host. The inventory
// is JSON, which Ansible reads as YAML, and contains no secrets. Pure: the same topology yields the same
// bytes.

import { z } from "zod";
import { formatShare } from "../../broker/contract.ts";
import { InfraError } from "../errors.ts";
import { NOTHING, partitionsOf, sharesOf } from "./shares.ts";
import { type Host, hostsWith, ROLES, type Role, type Topology } from "./topology.ts";

/** Group of graph hosts that own nothing: repartition.yml empties them, and no service runs there. */
const EMPTIED = "graph_emptied";

/** The part of `terraform output -json` that is read here. */
const outputs = z.looseObject({
  addresses: z.looseObject({ value: z.record(z.string(), z.ipv4()) }),
});

export interface InventoryGroup {
  readonly hosts: Readonly<Record<string, object>>;
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly children?: Readonly<Record<string, InventoryGroup>>;
}

/** The public addresses at which SSH reaches hosts; undefined means their private ones. */
export type Addresses = Readonly<Record<string, string>> | undefined;

/**
 * Reads `terraform output -json`, which must contain every host of the topology.
 * @throws InfraError BAD_OUTPUTS
 */
export function parseOutputs(topology: Topology, value: unknown): Addresses {
  const parsed = outputs.safeParse(value);
  if (!parsed.success)
    throw new InfraError("BAD_OUTPUTS", "the outputs have no `addresses`: pass `terraform output -json`");
  const addresses = parsed.data.addresses.value;
  const missing = Object.keys(topology.hosts).filter((name) => !(name in addresses));
  if (missing.length === 0) return addresses;
  throw new InfraError(
    "BAD_OUTPUTS",
    `the outputs lack ${missing.join(", ")}: run \`terraform apply\` first`,
  );
}

/** Returns the inventory. @param reachable overrides the addresses to which SSH connects */
export function inventoryOf(topology: Topology, reachable?: Addresses): { readonly all: InventoryGroup } {
  const names = Object.keys(topology.hosts).sort();
  const shares = sharesOf(topology.hosts);
  const hosts = names.map((name) => {
    const host = topology.hosts[name] as Host;
    const share = shares.get(name);
    const owned = shares.has(name) ? { graph_partitions: share ? formatShare(share) : NOTHING } : {};
    return [name, { ansible_host: reachable?.[name] ?? host.private, ...varsOf(host), ...owned }];
  });
  const emptied = [...shares].filter(([, share]) => share === undefined).map(([name]) => name);
  const membersOf = (role: Role): string[] =>
    hostsWith(topology, role).filter((name) => role !== "graph" || !emptied.includes(name));
  const groups = [...ROLES.map((role) => [role, membersOf(role)] as const), [EMPTIED, emptied] as const].map(
    ([group, members]) => [group, { hosts: Object.fromEntries(members.map((name) => [name, {}])) }],
  );
  return {
    all: {
      hosts: Object.fromEntries(hosts),
      vars: {
        encke_deployment: topology.name,
        encke_domain: topology.domain,
        encke_network: topology.network,
        encke_partitions: partitionsOf(topology.hosts),
      },
      children: Object.fromEntries(groups),
    },
  };
}

function varsOf({ roles, private: address, groups, workers }: Host): object {
  const own = { private_address: address };
  if (!roles.includes("gateway")) return own;
  return {
    ...own,
    gateway_groups: Array.from({ length: groups }, (_, index) => String(index + 1)),
    gateway_workers: workers,
  };
}
