// A response other than the requested one: whether a retry can help, and when. The edge explains its refusals
// in JSON; a response without an explanation comes from a proxy and is temporary.

/** The edge's temporary refusals with a status below 500: a timeout, and too many requests. */
const PASSING = [408, 425, 429];
const [MIN_PAUSE_MS, MAX_PAUSE_MS] = [1_000, 60_000];
/** Maximum Retry-After that is respected. */
const MAX_ASKED_MS = 3_600_000;

/** A response other than the requested one. The message is the edge's own, which is written for people. */
export class ApiError extends Error {
  readonly status: number;
  /** Whether a retry would get the same response. */
  readonly isFinal: boolean;
  /** Time before which the response does not allow a retry; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;

  private constructor(response: Response, explanation: string | undefined) {
    super(explanation ?? `something between this page and the edge replied ${response.status}`);
    this.status = response.status;
    this.isFinal = explanation !== undefined && response.status < 500 && !PASSING.includes(response.status);
    this.retryAfterMs = retryAfterMs(response.headers);
  }

  static async of(response: Response): Promise<ApiError> {
    const reply = (await response.json().catch(() => ({}))) as { error?: unknown; message?: unknown };
    const isOurs = typeof reply.error === "string" && typeof reply.message === "string";
    return new ApiError(response, isOurs ? (reply.message as string) : undefined);
  }
}

/**
 * Returns whether a retry cannot help. A request without any response failed on the way, which is temporary.
 */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.isFinal;
}

/**
 * Repeats a request, with pauses, until its response is one that a retry would not change, or until `signal`
 * is aborted.
 * @throws the last error of `ask`
 */
export async function askAgain<T>(
  ask: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: Error) => void = () => {},
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (isFinal(error) || signal.aborted) throw error;
      onFailure(error as Error);
      await pause(pauseMs(failures, error), signal);
    }
  }
}

/**
 * Returns the pause after this many earlier failures: at least what the response demands, and random, to
 * spread retries.
 */
function pauseMs(failures: number, error: unknown): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked + Math.random() * Math.max(MIN_PAUSE_MS, asked / 2);
  const longest = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures);
  return (longest * (1 + Math.random())) / 2;
}

/** @throws the reason of the signal once it is aborted */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    }
  });
}

/** Parses seconds, or a date by the sender's clock (RFC 9110, section 10.2.3). */
function retryAfterMs(headers: Headers): number | undefined {
  const given = headers.get("Retry-After")?.trim() ?? "";
  const sent = Date.parse(headers.get("Date") ?? "");
  const ms = /^\d+$/.test(given)
    ? Number(given) * 1000
    : Date.parse(given) - (Number.isNaN(sent) ? Date.now() : sent);
  return Number.isNaN(ms) ? undefined : Math.min(MAX_ASKED_MS, Math.max(0, ms));
}
