// The rules of CONTRIBUTING.md about language that a machine can check: words and prefixes that the project
// does not use, and the width of comments and pages. Reads every file that git tracks, except the changelog's
// history.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";
import { noTrackedFiles, trackedFiles } from "./support/tracked-files.ts";

/** One letter of each word is in brackets, so that a search for the word does not find this file. */
const BANNED_WORDS = /\b(?:a[n]ew|who[e]ver|in so man[y] words|some[b]ody|no[b]ody|every[b]ody)\b/i;
/** Bounds are called MAX_ and MIN_. */
const BANNED_PREFIXES = /\b(?:MOS[T]|LEAS[T])_/;
const MAX_COLUMNS = 110;

const SLASHES = /^\s*(?:\/\/|\/\*|\*)|\s\/\/\s/;
const HASH = /^\s*#(?!!)|\s#\s/;
/** What a comment looks like, by the extension of a file. */
const COMMENTS: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries([".ts", ".mjs", ".js", ".cc", ".c", ".h", ".css"].map((name) => [name, SLASHES])),
  ...Object.fromEntries([".yml", ".yaml", ".j2", ".sh", ".tf", ".conf", ""].map((name) => [name, HASH])),
};
const TEXTS = new Set([...Object.keys(COMMENTS), ".md", ".json", ".html", ".txt", ".py", ""]);

const files: readonly string[] = trackedFiles.filter(
  (path) => TEXTS.has(extname(path)) && path !== "LICENSE",
);

const linesOf = (path: string): string[] => readFileSync(join(projectRoot, path), "utf8").split("\n");

/** Lines that match, as `path:line text`. */
function find(path: string, isFound: (line: string) => boolean): string[] {
  return linesOf(path).flatMap((line, index) =>
    isFound(line) ? [`${path}:${index + 1} ${line.trim()}`] : [],
  );
}

/** Lines of a page that are neither code nor a table. */
function proseOf(path: string): string[] {
  let isFenced = false;
  return linesOf(path).filter((line) => {
    if (/^\s*```/.test(line)) isFenced = !isFenced;
    return !isFenced && !/^ {4}|^\|/.test(line);
  });
}

const isLong = (line: string): boolean => line.length > MAX_COLUMNS && !/https?:\/\/|\]\(/.test(line);

describe("language", { skip: noTrackedFiles }, () => {
  it("banned words - are in no file", () => {
    const isFound = (line: string): boolean => BANNED_WORDS.test(line) || BANNED_PREFIXES.test(line);
    assert.deepEqual(
      files.filter((path) => path !== "CHANGELOG.md").flatMap((path) => find(path, isFound)),
      [],
    );
  });

  it(`comments - have at most ${MAX_COLUMNS} columns, except URLs`, () => {
    const found = files.flatMap((path) => {
      const comment = COMMENTS[extname(path)];
      return comment === undefined ? [] : find(path, (line) => isLong(line) && comment.test(line));
    });
    assert.deepEqual(found, []);
  });

  it(`pages - have at most ${MAX_COLUMNS} columns, except tables, code and links`, () => {
    const pages = files.filter((path) => extname(path) === ".md");
    assert.deepEqual(
      pages.flatMap((path) =>
        proseOf(path)
          .filter(isLong)
          .map((line) => `${path}: ${line}`),
      ),
      [],
    );
  });
});
