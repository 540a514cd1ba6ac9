// What is found in docs/deploy.md, and what the lab makes of it. Without a lab: that the commands work is the end-to-end
// test's to say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DIFFERENCES, FOLLOWED, inLab, PLACES } from "./differences.ts";
import { commandsOf, type GuideCommand, locate } from "./guide.ts";
import { guideFile } from "./places.ts";

const TEXT = `# Deploy
## First
\`\`\`json
{ "no": "command" }
\`\`\`
\`\`\`sh
one && two
three |
  four \\
  --five   # said of it

export SIX=6
\`\`\`
**Hosts of your own.** Then:
\`\`\`sh
seven
\`\`\`
`;

const guide = readFileSync(guideFile, "utf8");
const commands = commandsOf(guide);
const followed = commands.filter(({ title }) => FOLLOWED.includes(title));
const command = (text: string): GuideCommand => ({ title: "", line: 1, text });

describe("commands of a text", () => {
  it("are what stands in sh blocks - with their titles and lines", () => {
    assert.deepEqual(commandsOf(TEXT), [
      { title: "First", line: 7, text: "one && two" },
      { title: "First", line: 8, text: "three |\n  four \\\n  --five   # said of it" },
      { title: "First", line: 12, text: "export SIX=6" },
      { title: "Hosts of your own", line: 16, text: "seven" },
    ]);
  });

  it("locate - one that is gone is named, with what to do", () => {
    assert.equal(locate(commandsOf(TEXT), ["First", "SIX"]).line, 12);
    assert.throws(
      () => locate(commandsOf(TEXT), ["First", "seven"]),
      /no command with "seven" under "First"/,
    );
  });
});

describe("docs/deploy.md", () => {
  it("from nothing to running - takes ten commands", () => {
    assert.equal(commands.filter(({ title }) => title === "From nothing to running").length, 10);
    assert.match(guide, /Then ten commands/);
  });

  for (const [name, place] of Object.entries(PLACES)) {
    it(`${name} - is there, and is missed where its line is changed`, () => {
      const { text } = locate(commands, place);
      const [first = ""] = text.split("\n");
      const without = guide.replaceAll(first, first.replaceAll(place[1].trim(), "changed"));
      assert.throws(() => locate(commandsOf(without), place), { code: "LAB_FAILED" });
    });
  }

  it("differences - each is needed, and none is left where the lab has another name", () => {
    const made = followed.map(inLab);
    const needed = new Set(made.flatMap(({ differences }) => differences));
    assert.deepEqual(
      DIFFERENCES.map(({ why }) => why).filter((why) => !needed.has(why)),
      [],
    );
    for (const { text } of made) assert.doesNotMatch(text ?? "", /\bsmall\b|~\/|\bFILE\b|terraform|outputs/);
  });

  it("a command that nobody knows - is run as it stands", () => {
    const text = "ansible-playbook -i infra/state/medium/inventory.json infra/ansible/sight.yml";
    assert.deepEqual(inLab(command(text)), { text, network: "lab", differences: [] });
  });

  it("a command that needs an account - is not run, and says why", () => {
    const made = inLab(command("terraform -chdir=x apply -var a=b \\\n  -var c=d"));
    assert.deepEqual(made, {
      text: undefined,
      network: "lab",
      differences: ["needs an account at a cloud"],
    });
  });
});
