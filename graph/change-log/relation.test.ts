import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { relate } from "./relation.ts";

const CREATED = 1_700_000_000_000;
const place = { partition: 0, of: 1, createdMs: CREATED, sequence: 7, record: "a-7" };
const state = (last: number, first = 1) => ({ createdMs: CREATED, first, last });
const facts = {
  isOffLog: false,
  recordAfterPlace: undefined,
  name: "ENCKE_CHANGES",
  of: 1,
  place: undefined,
  isEmpty: true,
  state: undefined,
};
const noRecord = { recordAtPlace: undefined };

describe("relation of a directory to its change log", () => {
  it("directory without a place - begins a log, rebuilds from a whole one, and is refused otherwise", () => {
    for (const isEmpty of [true, false])
      for (const found of [undefined, state(0)])
        assert.equal(relate({ ...facts, ...noRecord, isEmpty, state: found }), "begin");
    assert.equal(relate({ ...facts, ...noRecord, state: state(9) }), "rebuild");
    assert.throws(() => relate({ ...facts, ...noRecord, state: state(9, 3) }), {
      code: "GRAPH_LOG_FOREIGN",
      message: /begins with record 3.*encke graph restore/,
    });
    assert.throws(() => relate({ ...facts, ...noRecord, isEmpty: false, state: state(9) }), {
      code: "GRAPH_LOG_FOREIGN",
      message: /restore a backup .* or, .* delete the stream ENCKE_CHANGES/,
    });
  });

  it("directory with a place - continues if the log has it", () => {
    const placed = { ...facts, place, recordAtPlace: "a-7" };
    for (const found of [state(7), state(9), state(9, 7)])
      assert.equal(relate({ ...placed, state: found }), "continue");
    assert.equal(relate({ ...placed, ...noRecord, state: state(9, 8) }), "continue");
    assert.equal(
      relate({ ...facts, ...noRecord, place: { ...place, sequence: 0 }, state: state(0) }),
      "continue",
    );
  });

  it("directory that was changed without the log - continues only if nothing follows its place", () => {
    const changed = { ...facts, place: { ...place, layout: "a-9" }, recordAtPlace: "a-7", isOffLog: true };
    assert.equal(relate({ ...changed, state: state(7) }), "continue");
    assert.equal(relate({ ...changed, state: state(8), recordAfterPlace: "a-9" }), "continue");
    for (const recordAfterPlace of ["b-1", undefined])
      assert.throws(() => relate({ ...changed, state: state(8), recordAfterPlace }), {
        code: "GRAPH_LOG_FOREIGN",
        message: /changed without the change log/,
      });
  });

  it("log that went away, went back or is another one - is refused with a remedy", () => {
    const placed = { ...facts, place, recordAtPlace: "a-7" };
    const attempts = [
      [/does not exist any more/, { state: undefined, ...noRecord }],
      [/deleted and created again/, { state: { ...state(9), createdMs: CREATED + 1 } }],
      [/ends at record 6/, { state: state(6), ...noRecord }],
      [/another record 7/, { state: state(9), recordAtPlace: "b-7" }],
      [/begins with record 9/, { state: state(12, 9), ...noRecord }],
    ] as const;
    for (const [message, found] of attempts)
      assert.throws(() => relate({ ...placed, ...found }), { code: "GRAPH_LOG_FOREIGN", message });
    assert.throws(() => relate({ ...placed, of: 4, state: state(9) }), { code: "GRAPH_OTHER_PARTITIONS" });
  });
});
