// What day two finds in docs/deploy.md, without a lab: each command is there, and is told apart by what the lab changes in it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { DAY_TWO_PLACES, DAY_TWO_TITLES } from "./day-two-places.ts";
import { inLab } from "./differences.ts";
import { commandsOf, locate } from "./guide.ts";
import { guideFile } from "./places.ts";

const commands = commandsOf(readFileSync(guideFile, "utf8"));
const textAt = (name: keyof typeof DAY_TWO_PLACES): string => {
  const { text } = inLab(locate(commands, DAY_TWO_PLACES[name]));
  assert.ok(text !== undefined, `the lab leaves ${name} out`);
  return text;
};

describe("day two in docs/deploy.md", () => {
  for (const name of Object.keys(DAY_TWO_PLACES) as (keyof typeof DAY_TWO_PLACES)[]) {
    it(`${name} - is there, and means the lab's deployment`, () => {
      assert.doesNotMatch(textAt(name), /\bsmall\b|outputs/);
    });
  }

  it("every command under its titles - is one that is followed", () => {
    const followed = Object.values(DAY_TWO_PLACES).map((place) => locate(commands, place).line);
    const missed = commands
      .filter(({ title, line }) => DAY_TWO_TITLES.includes(title) && !followed.includes(line))
      .filter((command) => inLab(command).text !== undefined);
    assert.deepEqual(missed, []);
  });

  it("what the lab puts in their place - stands in them", () => {
    assert.match(textAt("renew"), /--renew nats/);
    assert.match(textAt("siteRenewed"), / -e nats_wait_for_cluster=false/);
    for (const name of ["addGateway", "siteRenewed"] as const) assert.match(textAt(name), /encke_release=\d/);
    assert.match(textAt("drain"), /--limit gw-3$/);
  });
});
