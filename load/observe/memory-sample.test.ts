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
    it(`${format} - is read as it was written, including empty cells`, () => {
      const lines = [headerOf(format), formatSample(sample, format), formatSample(unknown, format)];
      assert.deepEqual(parseLog(lines.join("\n"), "log"), [sample, unknown]);
    });
  }

  it("second header and truncated line - are skipped", () => {
    const [header, line] = [headerOf("tsv"), formatSample(sample, "tsv")];
    const text = [header, line, header, line, line.slice(0, 40), '{"time":"2026', ""].join("\n");
    assert.deepEqual(parseLog(text, "log"), [sample, sample]);
  });

  it("file that is not a log - is an error that names the command for logs", () => {
    assert.throws(() => parseLog("hello\nworld\n", "notes.txt"), {
      code: "USAGE",
      message: /"notes.txt" contains no line of a memory log: .*encke memlog/,
    });
  });
});

describe("memory chart", () => {
  it("one log - becomes process and kernel memory in MB, and connections on the right axis", () => {
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

  it("several logs - have one color each; a line that only one has needs no log's name", () => {
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

  it("figures of the article - are as measured or scaled, and labeled so", () => {
    assert.deepEqual(
      articleReferences("measured", 19_000).map(({ value }) => value),
      [450, 250, 78],
    );
    const [first] = articleReferences("scaled", 19_000);
    assert.equal(first?.value, 855);
    assert.match(first?.label ?? "", /450 MB × 19,000 \/ 10,000/);
  });

  it("reference - is a label and MB; anything else is an error", () => {
    assert.deepEqual(parseReference("a=b=45.5"), { label: "a=b", value: 45.5 });
    for (const given of ["450", "=450", "before=", "before=x", "before=-1"])
      assert.throws(() => parseReference(given), { code: "USAGE" }, given);
  });
});
