// Requests of which only the status matters.

/** Returns the status of a GET and discards the body. */
export async function statusOf(url: URL): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}
