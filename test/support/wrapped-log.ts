// A change log that can be disturbed: it tells of every record that was stored, or stops replying, as a
// stream without a leader does. Owned by the test.

import type { PartitionLog } from "../../graph/index.ts";

type Appended = Awaited<ReturnType<PartitionLog["append"]>>;
type State = Awaited<ReturnType<PartitionLog["find"]>>;

export class WrappedLog implements PartitionLog {
  readonly #log: PartitionLog;
  /** Whether the log does not reply. */
  isSilent = false;
  /** Called when a record was stored, before the appender is told. */
  onStored: () => void = () => {};

  constructor(log: PartitionLog) {
    this.#log = log;
  }

  get partition(): number {
    return this.#log.partition;
  }

  get name(): string {
    return this.#log.name;
  }

  get maxRecordBytes(): number {
    return this.#log.maxRecordBytes;
  }

  async find(): Promise<State> {
    if (this.isSilent) throw new Error("the log is silent");
    return this.#log.find();
  }

  create(): ReturnType<PartitionLog["create"]> {
    return this.#log.create();
  }

  async append(record: Uint8Array, id: string, after: number): Promise<Appended> {
    if (this.isSilent) return { outcome: "unknown", reason: "the log is silent" };
    const appended = await this.#log.append(record, id, after);
    if (appended.outcome === "stored") this.onStored();
    return appended;
  }

  idOf(sequence: number): ReturnType<PartitionLog["idOf"]> {
    return this.#log.idOf(sequence);
  }

  read(after: number, last: number): ReturnType<PartitionLog["read"]> {
    return this.#log.read(after, last);
  }
}
