// Small questions over HTTP.

/** The status of a GET, whatever its body. */
export async function statusOf(url: URL): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}
