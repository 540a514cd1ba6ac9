// The end of an edge's subject, for tests of the graph: decodes the graph's messages about events, checks
// that none is missing, and delivers as an edge does, so that a test can state who received what.

import assert from "node:assert/strict";
import {
  bodyOf,
  decodeHandles,
  edgeSubject,
  FRAME_KIND,
  readFrame,
  readHead,
} from "../../broker/contract.ts";
import { type BrokerClient, decodeHole, type EdgeOrder, parseOrder } from "../../broker/index.ts";

const NAMES = Object.fromEntries(Object.entries(FRAME_KIND).map(([name, kind]) => [kind, name]));

type Order = Exclude<EdgeOrder, { type: "unknown-version" }>;

export class RecordedEdge {
  /** Messages as "kind number @sequence: contents", and orders as "order type", except marks. */
  readonly lines: string[] = [];
  readonly orders: Order[] = [];
  /** "handle data" per delivery, in order. */
  readonly delivered: string[] = [];
  /** The message numbers of each partition in the present presence epoch. */
  readonly numbers: Map<string, number> = new Map();
  /** Numbers that were skipped. */
  gaps = 0;
  readonly #open = new Map<string, { data: string; handles: Set<number> }>();

  constructor(client: BrokerClient, id: string) {
    client.subscribe(edgeSubject(id), ({ data }) => this.#receive(data));
  }

  /** Returns the lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  #receive(bytes: Uint8Array): void {
    const head = readHead(bytes);
    if (head === undefined) return this.#order(bytes);
    const { kind, partition, presenceEpoch, number, sequence } = head;
    const counter = `${partition}/${presenceEpoch}`;
    const last = this.numbers.get(counter) ?? 0;
    assert.ok(number > last, "numbers ascend");
    this.gaps += number - last - 1;
    this.numbers.set(counter, number);
    const contents = this.#contents(bytes, kind, `${partition}/${sequence}`);
    this.lines.push(`${NAMES[kind]} ${number} @${sequence}${contents === "" ? "" : `: ${contents}`}`);
  }

  #order(bytes: Uint8Array): void {
    const order = parseOrder(bytes);
    assert.ok(order.type !== "unknown-version");
    this.orders.push(order);
    if (order.type !== "mark") this.lines.push(`order ${order.type}`);
  }

  #contents(bytes: Uint8Array, kind: number, event: string): string {
    const open = this.#open.get(event);
    switch (kind) {
      case FRAME_KIND.part: {
        const handles = decodeHandles(bodyOf(bytes)) ?? [];
        for (const handle of handles) open?.handles.add(handle);
        return [...handles].sort((one, other) => one - other).join(",");
      }
      case FRAME_KIND.close:
        for (const handle of open?.handles ?? []) this.delivered.push(`${handle} ${open?.data}`);
        this.#open.delete(event);
        return bodyOf(bytes).length > 0 ? "counted" : "";
      case FRAME_KIND.hole: {
        const { reason } = decodeHole(bodyOf(bytes));
        return reason;
      }
      case FRAME_KIND.withdraw:
      case FRAME_KIND.replayed:
        return new TextDecoder().decode(bodyOf(bytes));
      default:
        return this.#records(bytes, kind as 1, event);
    }
  }

  #records(bytes: Uint8Array, kind: 1 | 2 | 4, event: string): string {
    const records: string[] = [];
    const isWhole = readFrame(bytes, kind, ({ json, recipients, handleAt }) => {
      const { data } = JSON.parse(json) as { data: string };
      if (kind === FRAME_KIND.open) this.#open.set(event, { data, handles: new Set() });
      const handles = Array.from({ length: recipients }, (_, index) => handleAt(index));
      for (const handle of handles) this.delivered.push(`${handle} ${data}`);
      records.push(`${data} ${handles.sort((one, other) => one - other).join(",")}`.trim());
    });
    assert.ok(isWhole);
    return records.join("; ");
  }
}
