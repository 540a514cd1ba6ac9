// The value of a Host header: uri-host [ ":" port ] (RFC 9110, section 7.2). The host is an address in
// brackets, an IPv4 address, or a name of unreserved characters, sub-delimiters and percent-encodings, which
// may be empty (RFC 3986, section 3.2.2). The zone of an IPv6 address (`%25eth0`) has a meaning only on the
// client's machine and is not part of that grammar.

const MAX_PORT = 65_535;
const NAME = /^(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*$/i;
const FUTURE_ADDRESS = /^\[v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+\]$/i;
const IPV6_ADDRESS = /^\[[0-9a-f:.]+\]$/i;

/** Returns whether a Host header may have this value. */
export function isHost(value: string): boolean {
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(value) ?? [undefined, "\0"];
  if (Number(port) > MAX_PORT) return false;
  if (IPV6_ADDRESS.test(host)) return URL.canParse(`http://${host}`);
  return FUTURE_ADDRESS.test(host) || (NAME.test(host) && (host !== "" || value === ""));
}

/** Returns the origin of a scheme and a host as a browser writes it; undefined if no browser can have it. */
export function originOf(scheme: "http" | "https", host: string): string | undefined {
  const url = `${scheme}://${host}`;
  return host !== "" && isHost(host) && URL.canParse(url) ? new URL(url).origin : undefined;
}
