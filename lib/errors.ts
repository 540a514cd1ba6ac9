// The base class of all errors that Encke throws deliberately. Callers match the code and never the text. The
// text quotes the offending value and ends with a remedy. Each folder lists its codes in its errors.ts.

/** How much of an untrusted value an error repeats. */
const QUOTED_CHARS = 80;

/** What a remote caller is told about an error. */
export interface Disclosure {
  /** As HTTP numbers it; replies over NATS use the same numbers. */
  readonly status: number;
  /** Whether the caller may read the text. The text of a hidden error is for the log alone. */
  readonly shown: boolean;
}

const HIDDEN: Disclosure = { status: 500, shown: false };

export class EnckeError<Code extends string = string> extends Error {
  readonly code: Code;

  /**
   * @param code stable, and matched by callers
   * @param message what was wrong, with the value quoted, and how to correct it
   */
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /** Looked up in the table of the folder that threw the error; hidden where the folder serves no callers. */
  get disclosure(): Disclosure {
    return HIDDEN;
  }
}

/**
 * Quotes an untrusted value for an error message: escaped as JSON, so that it contains no control characters,
 * and truncated.
 */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? value : String(value);
  if (text.length <= QUOTED_CHARS) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, QUOTED_CHARS))}… (${text.length} characters)`;
}

/** What a remote caller is told about anything thrown: hidden, unless a folder's table shows it. */
export function disclosureOf(error: unknown): Disclosure {
  return error instanceof EnckeError ? error.disclosure : HIDDEN;
}

/** Returns the `code` of a thrown value, ours or Node's; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Returns the message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
