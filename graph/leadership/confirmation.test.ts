import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Confirmation } from "./confirmation.ts";

describe("confirmation", () => {
  it("an acknowledged write - confirms for two seconds after it was sent", () => {
    const confirmation = new Confirmation();
    assert.equal(confirmation.holds(0), false);
    confirmation.confirm(100);
    assert.equal(confirmation.holds(2_099), true);
    assert.equal(confirmation.holds(2_100), false);
  });

  it("an acknowledgement that arrives late - does not shorten a later confirmation", () => {
    const confirmation = new Confirmation();
    confirmation.confirm(500);
    confirmation.confirm(100);
    assert.equal(confirmation.holds(2_400), true);
  });

  it("a check - is due before the confirmation ends", () => {
    const confirmation = new Confirmation();
    assert.equal(confirmation.isDue(0), true);
    confirmation.confirm(0);
    assert.equal(confirmation.isDue(700), false);
    assert.equal(confirmation.isDue(750), true);
  });

  it("a reconnect or a hand-over - ends the confirmation", () => {
    const confirmation = new Confirmation();
    confirmation.confirm(0);
    confirmation.forget();
    assert.equal(confirmation.holds(1), false);
  });
});
