import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isHost, originOf } from "./host.ts";

const VALID = [
  ...["localhost", "LOCALHOST", "localhost:", "localhost:8080", "edge.example.", "a_b.example", "ex%41mple"],
  ...["127.0.0.1:65535", "[::1]", "[::1]:", "[0:0:0:0:0:0:0:1]:8080", "[::ffff:127.0.0.1]:1", "[v1.a:b]"],
  ...["", "xn--bcher-kva.example", "a!$&'()*+,;=~b", "x:00080"],
];
const INVALID = [
  ...[
    ":8080",
    "localhost:65536",
    "localhost:8a",
    "localhost:-1",
    "localhost:80:80",
    "a b",
    "a/b",
    "a?b",
    "a#b",
  ],
  ...["user@host", "a\\b", "http://a", "bücher.example", "%4", "%zz", "::1", "[::1", "::1]", "[]", "[:::1]"],
  ...["[1:2:3:4:5:6:7:8:9]", "[::1]x", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[v1.]", "[127.0.0.1]", "a\0b"],
];

describe("Host", () => {
  for (const host of VALID) it(`${host} - is valid`, () => assert.equal(isHost(host), true));
  for (const host of INVALID)
    it(`${JSON.stringify(host)} - is not valid`, () => assert.equal(isHost(host), false));

  it("origin of a host - is written as browsers write it", () => {
    assert.equal(originOf("https", "Edge.Example:443"), "https://edge.example");
    assert.equal(originOf("https", "edge.example:80"), "https://edge.example:80");
    assert.equal(originOf("http", "edge.example:"), "http://edge.example");
    assert.equal(originOf("http", "[0:0:0:0:0:0:0:1]:8080"), "http://[::1]:8080");
  });

  it("host that no page can have - has no origin", () => {
    for (const host of ["", "256.1.1.1", "1.2.3.4.5", "[v1.a:b]", "a/b", "user@host"])
      assert.equal(originOf("http", host), undefined, host);
  });
});
