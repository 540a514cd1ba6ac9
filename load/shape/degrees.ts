// The number of users per degree, which is all that is stored to describe a graph's shape. It has as many
// entries as there are distinct degrees: a few thousand for a million users.

/** A degree, and the number of users with it. */
export type DegreeCount = readonly [degree: number, users: number];

export class Degrees {
  /** In ascending order of degree. */
  readonly counts: readonly DegreeCount[];
  readonly users: number;
  readonly mean: number;

  /** @param degrees one number per user, in any order; at least one */
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

  /** Returns the lowest degree that the given share of users does not exceed; for 0.5 the median. */
  quantile(part: number): number {
    let below = 0;
    for (const [degree, users] of this.counts) {
      below += users;
      if (below >= part * this.users) return degree;
    }
    return this.max;
  }
}
