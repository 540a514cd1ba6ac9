// One number out of a page of metrics, as an admin port shows it at /metrics: Prometheus' text format, a series a line.

/** The value of a series, its labels as the page writes them; NaN where the page does not have it. */
export function valueIn(page: string, series: string): number {
  const line = page.split("\n").find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}
