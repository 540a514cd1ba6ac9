// A share of the partitions in the form that people write: `0-3/16`. Pure; at most MAX_PARTITIONS numbers.

import { quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";
import { MAX_PARTITIONS } from "./partition.ts";

const FORM = /^(\d{1,3}(?:-\d{1,3})?(?:,\d{1,3}(?:-\d{1,3})?)*)\/(\d{1,3})$/;

/** Some of all partitions. */
export interface Share {
  /** Ascending. */
  readonly owned: readonly number[];
  /** Total number of partitions. */
  readonly of: number;
}

/**
 * Parses a share such as `0-3/16`, `2/4` or `0,2,5-7/16`.
 * @throws BrokerError BAD_PARTITIONS
 */
export function parseShare(text: string): Share {
  const [, list = "", total = ""] = FORM.exec(text) ?? [];
  const of = Number(total);
  const owned = new Set<number>();
  for (const range of list.split(",")) {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    if (!(first <= last && last < of && of <= MAX_PARTITIONS)) throw unreadable(text);
    for (let partition = first; partition <= last; partition += 1) owned.add(partition);
  }
  return { owned: [...owned].sort((a, b) => a - b), of };
}

/** Formats a share in its shortest form. */
export function formatShare({ owned, of }: Share): string {
  const ranges: string[] = [];
  for (let at = 0; at < owned.length; at += 1) {
    const first = owned[at] as number;
    while (owned[at + 1] === (owned[at] as number) + 1) at += 1;
    const last = owned[at] as number;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return `${ranges.join(",")}/${of}`;
}

function unreadable(text: string): BrokerError {
  return new BrokerError(
    "BAD_PARTITIONS",
    `${quote(text)} names no partitions: say which of how many, as 0-3/16, 2/4 or 0,2,5-7/16 (at most ${MAX_PARTITIONS})`,
  );
}
