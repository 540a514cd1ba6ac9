// How many users have how many friends: all that is kept of a graph to describe its shape. As many entries as there
// are different degrees, some thousands for a million users.

/** A degree and how many users have it. */
export type DegreeCount = readonly [degree: number, users: number];

export class Degrees {
  /** Ascending by degree. */
  readonly counts: readonly DegreeCount[];
  readonly users: number;
  readonly mean: number;

  /** @param degrees one number a user, any order; at least one */
  constructor(degrees: Iterable<number>) {
    const counts = new Map<number, number>();
    for (const degree of degrees) counts.set(degree, (counts.get(degree) ?? 0) + 1);
    this.counts = [...counts].sort(([a], [b]) => a - b);
    this.users = this.counts.reduce((sum, [, users]) => sum + users, 0);
    this.mean = this.counts.reduce((sum, [degree, users]) => sum + degree * users, 0) / this.users;
  }

  get min(): number {
    return this.counts[0]?.[0] ?? 0;
  }

  get max(): number {
    return this.counts.at(-1)?.[0] ?? 0;
  }

  /** The lowest degree that this part of all users does not exceed: 0.5 is the median. */
  quantile(part: number): number {
    let below = 0;
    for (const [degree, users] of this.counts) {
      below += users;
      if (below >= part * this.users) return degree;
    }
    return this.max;
  }
}
