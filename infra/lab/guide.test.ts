// Tests of the commands of docs/deploy.md and their scripts without a lab. The end-to-end test shows whether
// they work.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DAY_TWO, FIRST_DAY, NEEDS_REGISTRY, NOT_RUN } from "./exceptions.ts";
import { commandsIn, commandsOf, locate } from "./guide.ts";
import { guideFile, guideFolder } from "./places.ts";

const TEXT = `# Deploy
\`\`\`json
{ "no": "command" }
\`\`\`
\`\`\`sh one
one && two
\`\`\`
## Hosts
\`\`\`sh
three \\
  --four
\`\`\`
`;

describe("commands of a text", () => {
  it("sh blocks - are commands with their ids, sections and lines", () => {
    assert.deepEqual(commandsOf(TEXT), [
      { id: "one", section: 1, line: 6, text: "one && two" },
      { id: "", section: 2, line: 10, text: "three \\\n  --four" },
    ]);
  });

  it("locate - names a missing command and the remedy", () => {
    assert.equal(locate(commandsOf(TEXT), "one").line, 6);
    assert.throws(() => locate(commandsOf(TEXT), "two"), {
      code: "LAB_FAILED",
      message: /no command two: write it there/,
    });
  });
});

describe("docs/deploy.md", () => {
  const guide = readFileSync(guideFile, "utf8");
  const commands = commandsOf(guide);
  const ids = commands.map(({ id }) => id);

  it("commands - each is a script of its own, and each script is in the text", () => {
    assert.deepEqual(
      [...ids].sort(),
      readdirSync(guideFolder)
        .map((name) => name.replace(/\.sh$/, ""))
        .sort(),
    );
  });

  for (const { id, line, text } of commands) {
    it(`${id} - is the same in the text and in its script`, () => {
      const script = readFileSync(join(guideFolder, `${id}.sh`), "utf8");
      assert.equal(text, commandsIn(script), `docs/deploy.md:${line} and infra/guide/${id}.sh differ`);
      assert.match(script, /^# .*\.\n/, "a script begins with a sentence on what it does");
      assert.equal(spawnSync("sh", ["-n"], { input: script, encoding: "utf8" }).stderr, "");
    });
  }

  it("from nothing to running - takes ten commands", () => {
    const alternatives = ["inventory-private"];
    const { section } = locate(commands, "verify");
    const first = commands.filter(
      (command) => command.section === section && !alternatives.includes(command.id),
    );
    assert.equal(first.length, 10);
    assert.match(guide, /run these ten commands/);
  });

  it("exceptions of the lab - are commands of the text", () => {
    const known = [...Object.keys(NOT_RUN), ...NEEDS_REGISTRY, ...FIRST_DAY, ...DAY_TWO];
    assert.deepEqual(
      known.filter((id) => !ids.includes(id)),
      [],
    );
  });

  it("commands - only those that the lab replaces name a deployment or need an account", () => {
    for (const { id, text } of commands)
      if (!(id in NOT_RUN)) assert.doesNotMatch(text, /\bsmall\b|\bFILE\b|terraform|outputs/, id);
  });

  it("first day and day two - follow every command of the text", () => {
    const sections = [...FIRST_DAY, ...DAY_TWO].map((id) => locate(commands, id).section);
    assert.deepEqual(
      commands.filter(({ section }) => !sections.includes(section)),
      [],
    );
  });
});
