import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../random.ts";
import { FollowParser, type Name } from "./follow-parser.ts";

interface Parsed {
  readonly follows: [Name, Name][];
  readonly bad: string[];
  readonly lines: number;
}

function parse(text: string, pieces: number): Parsed {
  const follows: [Name, Name][] = [];
  const bad: string[] = [];
  const parser = new FollowParser({
    name: "follows",
    onFollow: (left, right) => follows.push([left, right]),
    onBadLine: (line, why) => bad.push(`${line}: ${why}`),
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += pieces) parser.push(bytes.subarray(at, at + pieces));
  parser.end();
  return { follows, bad, lines: parser.lines };
}

/** A simple implementation that defines what the parser must return. */
function parseSimply(text: string): Parsed {
  const follows: [Name, Name][] = [];
  const bad: string[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") lines.pop();
  for (const [index, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[0]?.startsWith("#")) continue;
    const [left, right] = words.map((word) => (/^(0|[1-9]\d{0,8})$/.test(word) ? Number(word) : word));
    if (words.length === 2 && left !== undefined && right !== undefined) follows.push([left, right]);
    else bad.push(`${index + 1}: expected two names on the line`);
  }
  return { follows, bad, lines: lines.length };
}

describe("follow parser", () => {
  it("line endings, blanks and comments - are parsed in pieces of every size", () => {
    const text = "1 2\r\n3\t4\n\n# comment\r 5   6 \ralice photo.789\n007 0\n7 8";
    for (let pieces = 1; pieces <= text.length; pieces += 1) {
      const { follows, bad } = parse(text, pieces);
      assert.deepEqual(
        follows,
        [
          [1, 2],
          [3, 4],
          [5, 6],
          ["alice", "photo.789"],
          ["007", 0],
          [7, 8],
        ],
        `pieces of ${pieces}`,
      );
      assert.deepEqual(bad, []);
    }
  });

  it("random text - is parsed as a simple implementation does, in pieces of every size", () => {
    const words = [
      "0",
      "7",
      "42",
      "999999999",
      "1000000000",
      "00",
      "012",
      "-1",
      "1.5",
      "x",
      "#",
      "4294967296",
    ];
    const gaps = [" ", " ", " ", "\t", "  ", " \t "];
    const ends = ["\n", "\n", "\n", "\r\n", "\r", "\n\n"];
    const random = new Random(11);
    const pick = (from: readonly string[]): string => from[random.below(from.length)] ?? "";
    for (let round = 0; round < 400; round += 1) {
      let text = "";
      for (let line = random.below(12); line > 0; line -= 1) {
        const shape = random.below(10);
        if (shape === 0) text += pick(gaps);
        text += pick(words);
        if (shape !== 1) text += pick(gaps) + pick(words);
        if (shape === 2) text += pick(gaps) + pick(words);
        if (shape === 3) text += pick(gaps);
        if (line > 1 || shape > 4) text += pick(ends);
      }
      const expected = parseSimply(text);
      for (const pieces of [1, 2, 3, 7, 22, 64, 1_000]) {
        assert.deepEqual(parse(text, pieces), expected, `${JSON.stringify(text)} in pieces of ${pieces}`);
      }
    }
  });

  it("a line that is not a follow - is reported by number, and parsing continues", () => {
    const { follows, bad, lines } = parse("1 2\n3\n4 5 6\n\xff\xfe 1\n7 8\n", 4);
    assert.deepEqual(follows, [
      [1, 2],
      [7, 8],
    ]);
    assert.deepEqual(bad, [
      "2: expected two names on the line",
      "3: expected two names on the line",
      "4: not valid UTF-8",
    ]);
    assert.equal(lines, 5);
  });

  it("binary data - is refused where it begins", () => {
    for (const pieces of [1, 100, 10_000]) {
      const zero = { code: "BAD_FOLLOWS_FILE", message: /^follows:2: the line has a zero byte/ };
      assert.throws(() => parse("1 2\n\u0000\u0001", pieces), zero);
      const endless = { code: "BAD_FOLLOWS_FILE", message: /^follows:2: the line has over 1024 bytes/ };
      assert.throws(() => parse(`1 2\n${"x".repeat(5_000)}`, pieces), endless);
      assert.throws(() => parse(`1 2\n${"1".repeat(5_000)} 2\n`, pieces), endless);
    }
  });
});
