// Responses to clients whose input never reaches an app, in the form of every other error: a JSON body with a
// code and the remedy. Each refusal ends its connection, because nothing that follows can be trusted.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";

export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly message: string;
}

export const VERSION_NOT_SUPPORTED: Refusal = {
  status: 505,
  error: "VERSION_NOT_SUPPORTED",
  message: "the version of HTTP is not supported: use 1.1 or 1.0",
};

/** Indexed by the code of Node's error. All other codes of the parser are BAD_REQUEST. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    error: "REQUEST_TOO_SLOW",
    message: "the request did not arrive whole in time: send it again, faster",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    error: "PAYLOAD_TOO_LARGE",
    message: "the body has too many chunk extensions: send it without them",
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    error: "HEAD_TOO_LARGE",
    message: "the request line and headers exceed 16 KiB: send fewer or shorter headers",
  },
  HPE_INVALID_EOF_STATE: {
    status: 400,
    error: "BAD_REQUEST",
    message: "the connection ended before the request was complete: send it again",
  },
  HPE_INVALID_VERSION: VERSION_NOT_SUPPORTED,
};

export const EXPECTATION_FAILED: Refusal = {
  status: 417,
  error: "EXPECTATION_FAILED",
  message: "only `Expect: 100-continue` is supported: send the request without the header",
};

/** RFC 9112, section 6.1. */
export const CODING_UNKNOWN: Refusal = {
  status: 501,
  error: "CODING_UNKNOWN",
  message: "the only supported transfer coding is `chunked`: send the body without any other",
};

/**
 * Returns the refusal for an error of Node's HTTP server. The parser's reasons are constants that quote no
 * input.
 */
export function refusalOf(error: NodeJS.ErrnoException & { readonly reason?: string }): Refusal {
  const reason = error.reason ?? "it cannot be read";
  return (
    REFUSALS[error.code ?? ""] ?? {
      status: 400,
      error: "BAD_REQUEST",
      message: `this is not an HTTP/1.1 request (${reason}): correct it and send it again`,
    }
  );
}

/** Replies to a request that the parser accepted. */
export function refuse(incoming: IncomingMessage, outgoing: ServerResponse, refusal: Refusal): void {
  outgoing.writeHead(refusal.status, { ...headersOf(refusal), Connection: "close" });
  outgoing.end(incoming.method === "HEAD" ? undefined : bodyOf(refusal));
}

/** Returns a complete response, for a connection on which the parser failed. */
export function rawRefusal(refusal: Refusal): string {
  const headers = Object.entries({
    ...headersOf(refusal),
    Date: new Date().toUTCString(),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = refusal;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join("")}\r\n${bodyOf(refusal)}`;
}

function bodyOf({ error, message }: Refusal): string {
  return JSON.stringify({ error, message });
}

function headersOf(refusal: Refusal): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(bodyOf(refusal))),
  };
}
