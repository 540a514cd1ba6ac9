// What workers that have ended had counted. The admin port shows each counter as the sum over all processes, and
// Prometheus takes a sum that falls for a restart of all of them; so counts outlive the worker that counted, while
// levels end with it. Owned by the fleet; it holds one number per series, however many workers come and go.

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** A histogram's series: its buckets, sum and count. */
  readonly metricName?: string;
}

/** A metric as prom-client's JSON shows it and as it travels between processes. */
export interface MetricReport {
  readonly name: string;
  /** A word, whatever the library's own types say. */
  readonly type: unknown;
  readonly values: readonly Sample[];
}

/** Types that only grow. */
const COUNTING: ReadonlySet<unknown> = new Set(["counter", "histogram", "summary"]);

export class WorkerCounts {
  readonly #ended = new Map<string, MetricReport>();

  /** Takes over the counts of a worker that has ended, as it last reported them. */
  keep(last: readonly MetricReport[]): void {
    for (const metric of last) {
      if (!COUNTING.has(metric.type)) continue;
      const values = addUp([...(this.#ended.get(metric.name)?.values ?? []), ...metric.values]);
      this.#ended.set(metric.name, { ...metric, values });
    }
  }

  /** The counts of all workers that have ended, in the form of one report. */
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
