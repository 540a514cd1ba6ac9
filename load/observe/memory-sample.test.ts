import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { articleReferences, memoryChart, parseReference } from "./memory-chart.ts";
import { formatSample, headerOf, type MemorySample, parseLog, SAMPLE_FORMATS } from "./memory-sample.ts";

const sample: MemorySample = {
  timeMs: Date.UTC(2026, 10, 21, 20),
  connections: 10_000,
  pssKb: 80_000,
  anonKb: 60_000,
  rssKb: 120_000,
  kernelKb: 42_000,
  processes: 2,
};
const unknown: MemorySample = {
  ...sample,
  timeMs: sample.timeMs + 60_000,
  connections: undefined,
  kernelKb: undefined,
};

describe("memory log", () => {
  for (const format of SAMPLE_FORMATS) {
    it(`${format} - is read as it was written, unknown cells included`, () => {
      const lines = [headerOf(format), formatSample(sample, format), formatSample(unknown, format)];
      assert.deepEqual(parseLog(lines.join("\n"), "log"), [sample, unknown]);
    });
  }

  it("a second header and a line cut off - are left out", () => {
    const [header, line] = [headerOf("tsv"), formatSample(sample, "tsv")];
    const text = [header, line, header, line, line.slice(0, 40), '{"time":"2026', ""].join("\n");
    assert.deepEqual(parseLog(text, "log"), [sample, sample]);
  });

  it("a file that is no log - is an error that says what makes one", () => {
    assert.throws(() => parseLog("hello\nworld\n", "notes.txt"), {
      code: "USAGE",
      message: /"notes.txt" has no line of a memory log: .*encke memlog/,
    });
  });
});

describe("memory chart", () => {
  it("one log - process and kernel memory in MB, connections on the right, from the log's beginning", () => {
    const { lines } = memoryChart([{ label: "edge", samples: [sample, unknown] }], {
      title: "t",
      references: [],
    });
    assert.deepEqual(
      lines.map(({ label, axis, points }) => [label, axis, points]),
      [
        [
          "process memory (PSS)",
          "left",
          [
            [0, 78.125],
            [60, 78.125],
          ],
        ],
        [
          "kernel memory, whole machine",
          "left",
          [
            [0, 41.015625],
            [60, Number.NaN],
          ],
        ],
        [
          "connections",
          "right",
          [
            [0, 10_000],
            [60, Number.NaN],
          ],
        ],
      ],
    );
  });

  it("several logs - a colour each; what only one of them knows goes without its name", () => {
    const logs = [
      { label: "edge", samples: [sample] },
      { label: "graph", samples: [unknown] },
    ];
    const { lines } = memoryChart(logs, { title: "t", references: [] });
    assert.deepEqual(
      lines.map(({ label, color }) => [label, color]),
      [
        ["edge: process memory (PSS)", 0],
        ["graph: process memory (PSS)", 1],
        ["kernel memory, whole machine", 2],
        ["connections", 3],
      ],
    );
  });

  it("the article's figures - as measured, or in proportion, and the label says which", () => {
    assert.deepEqual(
      articleReferences("measured", 19_000).map(({ value }) => value),
      [450, 250, 78],
    );
    const [first] = articleReferences("scaled", 19_000);
    assert.equal(first?.value, 855);
    assert.match(first?.label ?? "", /450 MB × 19,000 \/ 10,000/);
  });

  it("a reference - is a label and MB; anything else says so", () => {
    assert.deepEqual(parseReference("a=b=45.5"), { label: "a=b", value: 45.5 });
    for (const given of ["450", "=450", "before=", "before=x", "before=-1"])
      assert.throws(() => parseReference(given), { code: "USAGE" }, given);
  });
});
