import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Origin, resolveSettings } from "../lib/settings.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { chooseNats, chooseNatsToAsk } from "./nats-choice.ts";
import { DEFAULT_NATS_URL, type NatsConfig } from "./nats-config.ts";
import { natsSettings } from "./nats-settings.ts";

type Flags = Readonly<Record<string, string>>;

/**
 * A folder of contexts; their files are written by the nats CLI where it is installed, and else by this test.
 */
class Contexts {
  readonly home: string = tempDir();
  readonly #hasCli: boolean = spawnSync("nats", ["--version"]).status === 0;

  save(name: string, fields: Readonly<Record<string, string>>): void {
    if (this.#hasCli) {
      const flags = Object.entries(fields).map(
        ([field, value]) => `--${field === "url" ? "server" : field}=${value}`,
      );
      this.#nats("context", "save", name, ...flags);
    } else this.write(name, JSON.stringify(fields));
  }

  select(name: string): void {
    if (this.#hasCli) this.#nats("context", "select", name);
    else this.#writeFile("context.txt", name);
  }

  write(name: string, text: string): void {
    this.#writeFile(join("context", `${name}.json`), text);
  }

  #writeFile(path: string, text: string): void {
    mkdirSync(join(this.home, "nats", "context"), { recursive: true });
    writeFileSync(join(this.home, "nats", path), text);
  }

  #nats(...args: string[]): void {
    const env = { ...process.env, XDG_CONFIG_HOME: this.home };
    const { status, stdout, stderr } = spawnSync("nats", args, { env, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  }
}

function createContexts(): Contexts {
  const contexts = new Contexts();
  contexts.save("prod", { url: "nats://prod:4222", user: "ann", password: "secret" });
  contexts.save("lab", { url: "tls://lab:4222", creds: "~/lab.creds" });
  return contexts;
}

interface Chosen {
  readonly config: NatsConfig;
  readonly notes: readonly string[];
}

/** What a command chooses that is given these flags and variables. */
function choose(contexts: Contexts, flags: Flags, env: Flags = {}, asks = true): Chosen {
  const environment = { XDG_CONFIG_HOME: contexts.home, ...env };
  const origins = new Map<string, Origin>();
  const values = resolveSettings(natsSettings, natsSettings, { flags, env: environment }, origins);
  const notes: string[] = [];
  const context = { env: environment, origins, note: (line: string) => void notes.push(line) };
  const config = asks ? chooseNatsToAsk(context, values) : chooseNats(context, values).config;
  return { config, notes };
}

describe("choice of a NATS server", () => {
  it("precedence - a flag, then NATS_URL, then NATS_CONTEXT, then the selected context", () => {
    const contexts = createContexts();
    contexts.select("prod");
    const both = { NATS_URL: "nats://variable:4222", NATS_CONTEXT: "lab" };
    const urlOf = (flags: Flags, env: Flags = {}): string => choose(contexts, flags, env).config.url;
    assert.equal(urlOf({ natsUrl: "nats://flag:4222" }, both), "nats://flag:4222");
    assert.equal(urlOf({ context: "prod" }, both), "nats://prod:4222");
    assert.equal(urlOf({}, both), "nats://variable:4222");
    assert.equal(urlOf({}, { NATS_CONTEXT: "lab" }), "tls://lab:4222");
    assert.equal(urlOf({}), "nats://prod:4222");
  });

  it("selected context - is ignored by commands that serve or generate load; a named one is used", () => {
    const contexts = createContexts();
    contexts.select("prod");
    assert.deepEqual(choose(contexts, {}, {}, false), {
      config: { ...EMPTY, url: DEFAULT_NATS_URL },
      notes: [],
    });
    assert.equal(choose(contexts, { context: "prod" }, {}, false).config.url, "nats://prod:4222");
    assert.equal(choose(contexts, {}, { NATS_CONTEXT: "prod" }, false).config.url, "nats://prod:4222");
  });

  it("no selected context - is the default server, and no note", () => {
    const chosen = choose(new Contexts(), {});
    assert.deepEqual(chosen, { config: { ...EMPTY, url: DEFAULT_NATS_URL }, notes: [] });
  });

  it("a context - brings its credentials, and one note names it without them", () => {
    const contexts = createContexts();
    const { config, notes } = choose(contexts, { context: "prod" });
    assert.deepEqual(config, { ...EMPTY, url: "nats://prod:4222", user: "ann", password: "secret" });
    assert.deepEqual(notes, ['encke: NATS context "prod" (nats://prod:4222)']);
    contexts.select("lab");
    const selected = choose(contexts, {}, { HOME: "/home/ann" });
    assert.equal(selected.config.creds, "/home/ann/lab.creds");
    assert.match(selected.notes.join("\n"), /^encke: NATS context "lab" .*selected[^\n]*$/);
  });

  it("a server from a flag - is not sent the credentials of a context from the environment", () => {
    const chosen = choose(createContexts(), { natsUrl: "nats://flag:4222" }, { NATS_CONTEXT: "prod" });
    assert.deepEqual(chosen, { config: { ...EMPTY, url: "nats://flag:4222" }, notes: [] });
  });

  it("--context with other flags - takes the other fields from the context", () => {
    const flags = { context: "prod", natsUrl: "nats://other:4222", natsUser: "bob" };
    const { config } = choose(createContexts(), flags, { NATS_PASSWORD: "of the environment" });
    assert.deepEqual(config, { ...EMPTY, url: "nats://other:4222", user: "bob", password: "secret" });
  });

  it("a context that cannot be used - is an error that says why", () => {
    const contexts = createContexts();
    contexts.write("text", "not JSON");
    contexts.write("number", '{"url": 4222}');
    contexts.write("proxy", '{"url": "nats://prod:4222", "socks_proxy": "socks5://proxy"}');
    const cases: readonly (readonly [string, RegExp])[] = [
      ["missing", /"missing" cannot be read \(ENOENT.*nats context ls/],
      ["../prod", /"\.\.\/prod" is no name of a context/],
      ["text", /"text" cannot be read/],
      ["number", /"number" is malformed/],
      ["proxy", /"proxy" uses socks_proxy, which Encke does not support/],
    ];
    for (const [context, message] of cases)
      assert.throws(() => choose(contexts, { context }), { code: "BAD_NATS_CONTEXT", message });
  });

  it("folder of the contexts - is ~/.config/nats without XDG_CONFIG_HOME", () => {
    const contexts = createContexts();
    const home = tempDir();
    mkdirSync(join(home, ".config"));
    const env = { XDG_CONFIG_HOME: "", HOME: home };
    assert.throws(() => choose(contexts, { context: "prod" }, env), {
      message: new RegExp(join(home, ".config", "nats", "context", "prod.json")),
    });
    assert.notEqual(home, homedir());
  });
});

const EMPTY = {
  user: undefined,
  password: undefined,
  token: undefined,
  creds: undefined,
  nkey: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
};
