// Keeps the counts of workers that have ended. The admin port shows each counter as the sum over all
// processes, and Prometheus would take a sum that decreases for a restart of all of them; so counters outlive
// their workers, and gauges do not. Owned by the fleet; it holds one number per series, however many workers
// have ended.

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Name of a histogram's series: its buckets, sum and count. */
  readonly metricName?: string;
}

/** A metric in prom-client's JSON form, which workers send to the supervisor. */
export interface MetricReport {
  readonly name: string;
  /** A string, although the library's types claim otherwise. */
  readonly type: unknown;
  readonly values: readonly Sample[];
}

/** Types that only increase. */
const COUNTING: ReadonlySet<unknown> = new Set(["counter", "histogram", "summary"]);

export class WorkerCounts {
  readonly #ended = new Map<string, MetricReport>();

  /** Adds the counts that an ended worker reported last. */
  keep(last: readonly MetricReport[]): void {
    for (const metric of last) {
      if (!COUNTING.has(metric.type)) continue;
      const values = addUp([...(this.#ended.get(metric.name)?.values ?? []), ...metric.values]);
      this.#ended.set(metric.name, { ...metric, values });
    }
  }

  /** Returns the counts of all ended workers in the form of one report. */
  get ended(): readonly MetricReport[] {
    return [...this.#ended.values()];
  }
}

/** One sample per series. */
function addUp(samples: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const sample of samples) {
    const series = JSON.stringify([sample.metricName, Object.entries(sample.labels).sort()]);
    sums.set(series, { ...sample, value: (sums.get(series)?.value ?? 0) + sample.value });
  }
  return [...sums.values()];
}
