import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { durationMs, flag, integer, list, oneOf, port } from "./schemas.ts";
import { flagName, pick, resolveSettings, type Settings } from "./settings.ts";

interface Table {
  adminPort: number;
  url: string | undefined;
  quick: boolean;
}
const table: Settings<Table> = {
  adminPort: { value: "N", help: "", schema: port, default: 9_180 },
  url: { value: "URL", help: "", env: "NATS_URL", schema: oneOf(["a", "b"]) },
  quick: { help: "", schema: flag, default: false },
};

describe("settings", () => {
  const resolve = (flags: object, env: Record<string, string> = {}, file?: object): Table =>
    resolveSettings(table, table, {
      flags: { ...flags },
      env,
      file: file && { path: "f.json", values: file },
    });

  it("flags over environment over file over default", () => {
    assert.equal(resolve({}).adminPort, 9_180);
    assert.equal(resolve({}, {}, { "admin-port": 1 }).adminPort, 1);
    assert.equal(resolve({}, { ENCKE_ADMIN_PORT: "2" }, { "admin-port": 1 }).adminPort, 2);
    assert.equal(resolve({ adminPort: "3" }, { ENCKE_ADMIN_PORT: "2" }, { "admin-port": 1 }).adminPort, 3);
  });

  it("our own name goes over a neighbour's; set to nothing is not set", () => {
    assert.equal(resolve({}, { NATS_URL: "a" }).url, "a");
    assert.equal(resolve({}, { NATS_URL: "a", ENCKE_URL: "b" }).url, "b");
    assert.equal(resolve({}, { NATS_URL: "", ENCKE_URL: "" }).url, undefined);
  });

  it("every problem is reported by name, in one go", () => {
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

  it("a file that is no object - says what it should be", () => {
    assert.throws(() => resolve({}, {}, [1]), /f\.json must hold one JSON object/);
  });

  it("names - and smaller tables", () => {
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

  it("numbers - text and JSON alike, whole, within bounds", () => {
    good(integer(1, 10), "7", 7);
    good(integer(1, 10), 7, 7);
    bad(integer(1, 10), ["0", "11", "1.5", "", " 7", "0x7", "7e0", -1, 1.5, null, true]);
  });

  it("spans of time - become milliseconds", () => {
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

  it("switches and lists", () => {
    good(flag, "1", true);
    good(flag, false, false);
    bad(flag, ["yes", ""]);
    good(list, "a, b", ["a", "b"]);
    good(list, ["a"], ["a"]);
  });
});
