// A reply that is not what was asked for: whether asking again can help, and when. The edge explains its own refusals in
// JSON; what explains nothing comes from a proxy, and passes.

/** Of the edge's refusals with a status below 500, those that pass: a time-out, and too many requests. */
const PASSING = [408, 425, 429];
const [MIN_PAUSE_MS, MAX_PAUSE_MS] = [1_000, 60_000];
/** The longest Retry-After that is honoured. */
const MAX_ASKED_MS = 3_600_000;

/** A reply other than the one asked for; the message is the edge's own, made to be read. */
export class ApiError extends Error {
  readonly status: number;
  /** Asking again would get the same reply. */
  readonly isFinal: boolean;
  /** When the reply allows the next question; undefined where it does not say. */
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

/** Whether asking again cannot help. A request that got no reply at all failed on the way, and that passes. */
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.isFinal;
}

/**
 * Asks until there is a reply that asking again would not change, with pauses in between. Ends with `signal`.
 * @throws whatever `ask` throws last
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

/** How long to wait after so many failures before this one: never less than the reply asks for, and never all at once. */
export function pauseMs(failures: number, error: unknown): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  if (asked !== undefined) return asked + Math.random() * Math.max(MIN_PAUSE_MS, asked / 2);
  const longest = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** failures);
  return (longest * (1 + Math.random())) / 2;
}

/** @throws the signal's reason, once it is aborted */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
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

/** Seconds, or a date by the clock of the sender (RFC 9110, 10.2.3). */
function retryAfterMs(headers: Headers): number | undefined {
  const given = headers.get("Retry-After")?.trim() ?? "";
  const sent = Date.parse(headers.get("Date") ?? "");
  const ms = /^\d+$/.test(given)
    ? Number(given) * 1000
    : Date.parse(given) - (Number.isNaN(sent) ? Date.now() : sent);
  return Number.isNaN(ms) ? undefined : Math.min(MAX_ASKED_MS, Math.max(0, ms));
}
