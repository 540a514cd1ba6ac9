import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { generateFriendships } from "../../graph/index.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { checkFollows } from "./check.ts";
import { Degrees } from "./degrees.ts";
import { fitPowerLaw } from "./exponent.ts";
import { binDegrees, drawDegrees } from "./picture.ts";

const folder = (): string => join(tempDir(), "runs");

describe("degrees", () => {
  it("quantiles, mean and extremes - equal those computed by hand", () => {
    const degrees = new Degrees([5, 1, 2, 2, 1, 1, 2, 10, 1, 1]);
    assert.deepEqual(degrees.counts, [
      [1, 5],
      [2, 3],
      [5, 1],
      [10, 1],
    ]);
    assert.deepEqual([degrees.min, degrees.max, degrees.mean, degrees.users], [1, 10, 2.6, 10]);
    assert.deepEqual(
      [0.1, 0.5, 0.51, 0.8, 0.9, 0.99, 1].map((part) => degrees.quantile(part)),
      [1, 1, 2, 2, 5, 10, 10],
    );
  });

  it("bins - contain every user once", () => {
    const shape = { users: 3_000, friends: 3, seed: 2 };
    const counted = new Map<number, number>();
    for (const { id, friends } of generateFriendships(shape)) {
      for (const end of [...friends, ...friends.map(() => id)]) counted.set(end, (counted.get(end) ?? 0) + 1);
    }
    const degrees = new Degrees(counted.values());
    const points = binDegrees(degrees);
    assert.ok(points.length > 20 && points.length < 80, `${points.length} points`);
    assert.equal(points[0]?.[0], 3);
    assert.equal(points[0]?.[1], (degrees.counts[0]?.[1] ?? 0) / 3_000);
    assert.ok((points.at(-1)?.[0] ?? 0) <= degrees.max);
  });
});

describe("power law", () => {
  for (const exponent of [2.2, 3, 3.7]) {
    it(`tail with exponent ${exponent} - is recognized`, () => {
      // the k-th of n users has the degree that k of n users exceed by the law, rounded to an integer
      const [users, from] = [200_000, 20];
      const degrees = Array.from({ length: users }, (_, index) =>
        Math.round((from - 0.5) * ((index + 0.5) / users) ** (-1 / (exponent - 1))),
      );
      const fitted = fitPowerLaw(new Degrees(degrees), from);
      assert.equal(fitted?.users, users);
      assert.ok(Math.abs(fitted.exponent - exponent) < 0.02 * exponent, `${fitted.exponent}`);
    });
  }

  it("equal degrees - have no tail and no exponent", () => {
    assert.equal(fitPowerLaw(new Degrees([7, 7, 7])), undefined);
  });
});

describe("checking an edge list", () => {
  it("duplicates, self friendships and bad lines - are counted and skipped", async () => {
    const path = join(tempDir(), "friendships.txt");
    writeFileSync(path, "1 2\n2 1\n3 3\nzoe 1\nx\n1 zoe\n");
    const report = await checkFollows({ path }, { folder: folder() });
    const { users, friendships, duplicates, selfFollows, badLines } = report;
    assert.deepEqual([users, friendships, duplicates, selfFollows, badLines], [3, 2, 2, 1, 1]);
    assert.deepEqual(report.degrees.counts, [
      [1, 2],
      [2, 1],
    ]);
    assert.deepEqual(report.shown, [`${path}:5: expected two names on the line`]);
  });

  it("file that is not an edge list - is a clear error", async () => {
    const stream = Readable.from([Buffer.from("\0\0")]);
    await assert.rejects(checkFollows({ stream, name: "standard input" }, { folder: folder() }), {
      code: "BAD_FOLLOWS_FILE",
      message: /standard input:1/,
    });
  });

  it("generated graph - has the article's shape, and a chart with the fitted line", async () => {
    const newcomers = generateFriendships({ users: 50_000, friends: 15, seed: 1 });
    const report = await checkFollows({ name: "made", newcomers }, { folder: folder() });
    assert.deepEqual([report.users, report.friendships, report.duplicates], [50_000, 749_880, 0]);
    assert.deepEqual([report.degrees.min, report.powerLaw?.from], [15, 60]);
    assert.ok(Math.abs((report.powerLaw?.exponent ?? 0) - 3) < 0.2, `exponent ${report.powerLaw?.exponent}`);
    const svg = drawDegrees(report, "50,000 <users>");
    assert.match(svg, /^<svg [^>]*>\n<title>50,000 &lt;users&gt;<\/title>/);
    assert.match(svg, /power law with exponent 3\.\d|power law with exponent 2\.\d/);
    assert.ok(svg.length < 20_000, `${svg.length} characters`);
  });
});
