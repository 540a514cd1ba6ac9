// Tests of reading the output of a playbook.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changesOf, failuresOf, parseRecap } from "./ansible.ts";

const OUTPUT = `TASK [base : Firewall] *********
ok: [gw-1]
changed: [nats-1]

TASK [gateway : Start it] ******
fatal: [gw-1]: FAILED! => {"msg": "no"}

PLAY RECAP *********************
gw-1                       : ok=39   changed=0    unreachable=0    failed=1    skipped=6    rescued=1    ignored=0
nats-1                     : ok=9    changed=12   unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
`;

describe("playbook output", () => {
  it("recap - yields the counts of each host", () => {
    assert.deepEqual(parseRecap(OUTPUT), {
      "gw-1": { ok: 39, changed: 0, unreachable: 0, failed: 1, rescued: 1 },
      "nats-1": { ok: 9, changed: 12, unreachable: 0, failed: 0, rescued: 0 },
    });
    assert.deepEqual(parseRecap("ERROR! no playbook"), {});
  });

  it("failures and changes - are listed with their tasks", () => {
    assert.match(failuresOf(OUTPUT), /^TASK \[gateway : Start it\] \n {2}fatal: \[gw-1\]/);
    assert.match(changesOf(OUTPUT), /^TASK \[base : Firewall\] \n {2}changed: \[nats-1\]$/);
  });
});
