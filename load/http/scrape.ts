// Reads one number from a page of metrics in Prometheus' text format, with one series per line.

/**
 * Returns the value of a series, whose labels must be spelled as on the page; NaN if the page does not
 * contain it.
 */
export function valueIn(page: string, series: string): number {
  const line = page.split("\n").find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}
