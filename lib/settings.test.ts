import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { durationMs, flag, host, integer, list, oneOf, port, waitMs } from "./schemas.ts";
import { flagName, pick, resolveSettings, type Setting, type ValuesOf } from "./settings.ts";

const adminPort: Setting<number> = { value: "N", help: "", schema: port, default: 9_180 };
const url: Setting<string | undefined> = {
  value: "URL",
  help: "",
  env: "NATS_URL",
  schema: oneOf(["a", "b"]),
};
const quick: Setting<boolean> = { help: "", schema: flag, default: false };
const table = { adminPort, url, quick };
type Table = ValuesOf<typeof table>;

describe("settings", () => {
  const resolve = (flags: object, env: Record<string, string> = {}, file?: object): Table =>
    resolveSettings(table, table, {
      flags: { ...flags },
      env,
      file: file && { path: "f.json", values: file },
    });

  it("precedence - is flags, environment, file, default", () => {
    assert.equal(resolve({}).adminPort, 9_180);
    assert.equal(resolve({}, {}, { "admin-port": 1 }).adminPort, 1);
    assert.equal(resolve({}, { ENCKE_ADMIN_PORT: "2" }, { "admin-port": 1 }).adminPort, 2);
    assert.equal(resolve({ adminPort: "3" }, { ENCKE_ADMIN_PORT: "2" }, { "admin-port": 1 }).adminPort, 3);
  });

  it("variable of another tool - yields to ours; an empty variable counts as absent", () => {
    assert.equal(resolve({}, { NATS_URL: "a" }).url, "a");
    assert.equal(resolve({}, { NATS_URL: "a", ENCKE_URL: "b" }).url, "b");
    assert.equal(resolve({}, { NATS_URL: "", ENCKE_URL: "" }).url, undefined);
  });

  it("problems - are all reported at once, by name", () => {
    assert.throws(
      () =>
        resolve(
          { quick: "maybe" },
          { ENCKE_ADMIN_PORT: "x", ENCKE_TYPO: "1", NATS_URL: "c" },
          { nonsense: 1 },
        ),
      ({ code, message }: Error & { code: string }) =>
        code === "BAD_SETTINGS" &&
        ["--quick", "ENCKE_ADMIN_PORT", "ENCKE_TYPO", "NATS_URL", '"nonsense" in f.json'].every((name) =>
          message.includes(name),
        ),
    );
  });

  it("variables of Kubernetes for services called encke - are ignored", () => {
    const names = (service: string): Record<string, string> => ({
      [`${service}_SERVICE_HOST`]: "10.0.0.1",
      [`${service}_SERVICE_PORT`]: "8080",
      [`${service}_SERVICE_PORT_HTTP`]: "8080",
      [`${service}_SERVICE_PORT_ADMIN_HTTP`]: "9180",
      [`${service}_PORT`]: "tcp://10.0.0.1:8080",
      [`${service}_PORT_8080_TCP`]: "tcp://10.0.0.1:8080",
      [`${service}_PORT_8080_TCP_PROTO`]: "tcp",
      [`${service}_PORT_8080_TCP_PORT`]: "8080",
      [`${service}_PORT_8080_TCP_ADDR`]: "10.0.0.1",
      [`${service}_PORT_53_UDP`]: "udp://[fd00::1]:53",
    });
    // a service `encke-admin` claims the variable of --admin-port
    for (const service of ["ENCKE", "ENCKE_GRAPH", "ENCKE_EDGE_2", "ENCKE_ADMIN"])
      assert.equal(resolve({}, names(service)).adminPort, 9_180, service);
    assert.equal(resolve({}, { ENCKE_ADMIN_PORT: "9", ENCKE_SERVICE_HOST: "10.0.0.1" }).adminPort, 9);
  });

  it("variables that only resemble those of Kubernetes - are errors", () => {
    for (const [name, value] of [
      ["ENCKE_SERVICE", "x"],
      ["ENCKE_SERVICE_HOSTS", "x"],
      ["ENCKE_SERVICE_PORTS", "1"],
      ["ENCKE_PORT_TCP", "tcp://10.0.0.1:1"],
      ["ENCKE_PORT_8080_HTTP", "x"],
      ["ENCKE_PORT_8080_TCP_HOST", "x"],
      ["ENCKE_GRAPH_PORT", "8080"],
      ["ENCKE_ADMIN_PORT", "http://10.0.0.1"],
    ] as const)
      assert.throws(() => resolve({}, { [name]: value }), {
        code: "BAD_SETTINGS",
        message: new RegExp(name),
      });
  });

  it("file that is not an object - is an error that says what it must be", () => {
    assert.throws(() => resolve({}, {}, [1]), /f\.json must contain one JSON object/);
  });

  it("flagName and pick - return a flag's name and a part of a table", () => {
    assert.equal(flagName("maxStreamsPerUser"), "max-streams-per-user");
    assert.deepEqual(Object.keys(pick(table, "url")), ["url"]);
  });
});

describe("schemas", () => {
  const good = (schema: { parse(value: unknown): unknown }, value: unknown, parsed: unknown): void =>
    assert.deepEqual(schema.parse(value), parsed);
  const bad = (
    schema: { safeParse(value: unknown): { success: boolean } },
    values: readonly unknown[],
  ): void => {
    for (const value of values) assert.equal(schema.safeParse(value).success, false, String(value));
  };

  it("numbers - are accepted as text and as JSON, if they are whole and within bounds", () => {
    good(integer(1, 10), "7", 7);
    good(integer(1, 10), 7, 7);
    bad(integer(1, 10), ["0", "11", "1.5", "", " 7", "0x7", "7e0", -1, 1.5, null, true]);
  });

  it("durations - become milliseconds", () => {
    for (const [text, ms] of [
      ["500ms", 500],
      ["30s", 30_000],
      ["5m", 300_000],
      ["1h", 3_600_000],
      ["7d", 604_800_000],
    ] as const)
      good(durationMs, text, ms);
    bad(durationMs, ["", "5", "h", "1 h", "-1h", "1w"]);
  });

  it("durations of a timer - are limited to what it supports", () => {
    good(waitMs, "24d", 2_073_600_000);
    bad(waitMs, ["25d", "999999999d"]);
  });

  it("hosts - are addresses or names; a port, a URL or a single bracket is refused", () => {
    for (const name of ["127.0.0.1", "::1", "fe80::1%eth0", "localhost", "edge-1.example.org", "my_host"])
      good(host, name, name);
    good(host, "[::1]", "::1");
    bad(host, [
      "",
      "127.0.0.1:80",
      "localhost:80",
      "[::1]:80",
      "[::1",
      "::1]",
      "[127.0.0.1]",
      "http://h",
      "a b",
      "%",
      "é",
    ]);
  });

  it("switches and lists - are accepted as text and as JSON", () => {
    good(flag, "1", true);
    good(flag, false, false);
    bad(flag, ["yes", ""]);
    good(list, "a, b", ["a", "b"]);
    good(list, ["a"], ["a"]);
  });
});
