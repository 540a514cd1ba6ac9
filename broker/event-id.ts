// Event ids: `<partition>-<epoch>-<sequence>`, numbers in base 36. One graph partition mints them, one epoch a
// start of its service and never the same twice, so they are unique across partitions and restarts; within an
// epoch the sequence counts the partition's events without a gap.

/** Longest id accepted from a header: three numbers of at most 11 base-36 digits and two dashes. */
const ID = /^[0-9a-z]{1,11}-[0-9a-z]{1,11}-[0-9a-z]{1,11}$/;

export interface EventPosition {
  readonly partition: number;
  readonly epoch: number;
  readonly sequence: number;
}

/** Mints the ids of one partition in one epoch. */
export class EventIds {
  readonly #prefix: string;
  #sequence = 0;

  constructor(partition: number, epoch: number) {
    this.#prefix = `${partition.toString(36)}-${epoch.toString(36)}-`;
  }

  /** The id that `next` mints next. */
  get upcoming(): string {
    return this.#prefix + (this.#sequence + 1).toString(36);
  }

  next(): string {
    const id = this.upcoming;
    this.#sequence += 1;
    return id;
  }
}

/** The parts of an id; undefined for anything that `EventIds` cannot have minted. */
export function parseEventId(text: string): EventPosition | undefined {
  if (!ID.test(text)) return undefined;
  const [partition = "", epoch = "", sequence = ""] = text.split("-");
  const position = {
    partition: Number.parseInt(partition, 36),
    epoch: Number.parseInt(epoch, 36),
    sequence: Number.parseInt(sequence, 36),
  };
  return Number.isSafeInteger(position.epoch) && Number.isSafeInteger(position.sequence)
    ? position
    : undefined;
}
