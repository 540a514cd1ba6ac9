import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isValidPattern, SubjectTree, type Subscribed } from "./subject-tree.ts";

const on = (pattern: string): Subscribed => ({ pattern, queue: undefined });

/** The rule itself, implemented slowly. */
function matches(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split("."), subject.split(".")];
  if (given.includes("")) return false;
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return given.length > index;
    if (given[index] === undefined || (token !== "*" && token !== given[index])) return false;
  }
  return wanted.length === given.length;
}

describe("subject tree", () => {
  it("match - agrees with the rule for every pattern and subject of a small alphabet", () => {
    const words = (alphabet: readonly string[], length: number): string[] =>
      length === 0
        ? [""]
        : words(alphabet, length - 1).flatMap((head) =>
            alphabet.map((tail) => (head === "" ? tail : `${head}.${tail}`)),
          );
    const patterns = [1, 2, 3]
      .flatMap((length) => words(["a", "b", "*", ">"], length))
      .filter(isValidPattern);
    const subjects = [1, 2, 3, 4].flatMap((length) => words(["a", "b"], length));
    const tree = new SubjectTree<Subscribed>();
    for (const pattern of patterns) tree.add(on(pattern));
    for (const subject of subjects) {
      const found = tree.match(subject).map(({ pattern }) => pattern);
      assert.deepEqual(
        [...found].sort(),
        patterns.filter((pattern) => matches(pattern, subject)).sort(),
        subject,
      );
    }
  });

  it("remove - leaves nothing behind, in any order", () => {
    const tree = new SubjectTree<Subscribed>();
    const subscriptions = ["a", "a", "a.b", "a.*", "a.>", ">", "*.b.c"].map(on);
    for (const subscription of subscriptions) tree.add(subscription);
    for (const subscription of [...subscriptions].reverse()) {
      assert.equal(tree.remove(subscription), true);
      assert.equal(tree.remove(subscription), false);
    }
    assert.equal(tree.size, 0);
    assert.deepEqual(tree.match("a.b"), []);
  });

  it("isValidPattern - refuses empty tokens, and > anywhere but at the end", () => {
    for (const good of ["a", "a.b", "*", ">", "a.*.b", "a.>", "a*b"]) assert.ok(isValidPattern(good), good);
    for (const bad of ["", ".", "a.", ".a", "a..b", ">.a", "a.>.b"]) assert.ok(!isValidPattern(bad), bad);
  });
});
