// Links in the documentation: each leads to a file of the repository and, where it names a section, to a
// heading of that file. Links to other sites are not fetched.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";
import { noTrackedFiles, trackedFiles } from "./support/tracked-files.ts";

const pages = trackedFiles.filter((path) => path.endsWith(".md"));

const read = (path: string): string => readFileSync(join(projectRoot, path), "utf8");

/** Returns the targets of Markdown links and images, except links to other sites. */
function linksIn(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Returns the anchors that GitHub generates for the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("documentation", { skip: noTrackedFiles }, () => {
  for (const page of pages) {
    it(`${page} - links only to files and sections that exist`, () => {
      for (const link of linksIn(read(page))) {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? page : normalize(join(dirname(page), file));
        assert.ok(existsSync(join(projectRoot, target)), `${page} links to ${link}, which does not exist`);
        if (anchor === undefined || statSync(join(projectRoot, target)).isDirectory()) continue;
        assert.ok(anchorsOf(read(target)).has(anchor), `${page} links to ${link}, which has no such heading`);
      }
    });
  }

  it("decision pages - are numbered, named after their titles, listed in the index, and exist where cited", () => {
    const decisions = pages.filter((path) => /^docs\/decisions\/\d/.test(path));
    const index = read("docs/decisions/README.md");
    assert.ok(decisions.length > 0);
    for (const path of decisions) {
      const [, number = "", words = ""] = /\/(\d{4})-([a-z0-9-]+)\.md$/.exec(path) ?? [];
      const [title = ""] = read(path).split("\n");
      assert.ok(title.startsWith(`# ${Number(number)}. `), `${path} is titled ${title}`);
      const [firstWord = ""] = words.split("-");
      assert.match(title, new RegExp(`^# \\d+\\. ${firstWord}\\b`, "i"), `${path} and its title differ`);
      assert.ok(index.includes(`[${title.slice(2)}](${basename(path)})`), `the index does not list ${path}`);
    }
    for (const path of trackedFiles.filter((name) => /\.(ts|mjs|cc|h|yml|j2|md|sh)$/.test(name))) {
      for (const [cited] of read(path).matchAll(/docs\/decisions\/\d{4}-[\w-]+\.md/g))
        assert.ok(existsSync(join(projectRoot, cited)), `${path} cites ${cited}, which does not exist`);
    }
  });
});
