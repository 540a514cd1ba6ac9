// The client's errors. Each has a `code` that does not change between releases; the message is for people.

import type { Loss } from "./messages.ts";

/** Base of all errors of this package. */
export class EnckeError extends Error {
  /** Stable between releases. */
  declare readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The stream has ended, because another request would get the same response: `UNAUTHORIZED`, `FORBIDDEN`,
 * `NOT_FOUND`, `BAD_REQUEST` (any other status from 400 to 499), or `SIGNED_OUT`.
 */
export class RefusedError extends EnckeError {
  override name = "RefusedError";
  /** The HTTP status; 0 for `SIGNED_OUT`. */
  declare readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** The connection is lost, and the client will try again: see `Loss` for the codes. */
export class LostError extends EnckeError {
  override name = "LostError";
  /** The time until the next attempt. */
  declare readonly retryMs: number;

  constructor({ code, message, retryMs }: Loss) {
    super(code, message);
    this.retryMs = retryMs;
  }
}
