// What a reader sends to open its stream: a request, and for some protocols a frame after the response.

export interface Hello {
  readonly request: string;
  /** Bytes in hexadecimal, or "-" for none. */
  readonly after: string;
}

/** An arbitrary value, which the server only hashes. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** Socket.IO's "connect to the main namespace": 40, as a text frame with a mask of 0. */
const CONNECT_FRAME = "8182000000003430";

export function helloHttp(path: string): Hello {
  return { request: `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, after: "-" };
}

export function helloWebSocket(path: string): Hello {
  const lines = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
  ];
  return { request: `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join("\r\n")}\r\n\r\n`, after: "-" };
}

export function helloSocketIo(path: string): Hello {
  return { ...helloWebSocket(path), after: CONNECT_FRAME };
}
