// The addon's own contract, beyond what NativePool uses: how each method handles every kind of number, and
// how it reports ends.

import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { constants } from "node:os";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { MAX_CURSOR_BYTES } from "../../../broker/contract.ts";
import { RawHttp } from "../../../test/support/raw-http.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { FRAMINGS } from "../../formats/frame.ts";
import { FORMATS } from "../../formats/index.ts";
import { INSERTS } from "../../formats/template.ts";
import { descriptorOf } from "../../node/descriptor.ts";
import { type CloseReason, COME_BACK_MS } from "../close-reasons.ts";
import { DEFAULT_LIMITS } from "../pool.ts";
import { hasPoolAddon, loadPoolAddon, type NativeHandle, type NativeOptions } from "./addon.ts";
import { nativeFormat } from "./native-formats.ts";

const { EBADF, EINVAL, ENOMEM } = constants.errno;
const skip = hasPoolAddon() ? false : "the addon was not built here";

/** Values that are not a descriptor, index, count, port or handle. */
const ODD: readonly number[] = [
  ...[
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    -0.5,
    0.5,
    1.5,
    -(2 ** 31),
    2 ** 32,
  ],
  ...[2 ** 32 + 1, 2 ** 53, 2 ** 63 - 1, 2 ** 64, 1e17, 1e308, -1e308],
];
const NO_NUMBERS: readonly unknown[] = ["1", null, undefined, {}, [], true, 1n];
/** Index of the format whose heartbeat is an empty line. */
const TEXT = 2;

describe("pool addon", { skip }, () => {
  let server: Server;
  let accepted: Socket[];
  let clients: RawHttp[];
  let pool: NativeHandle;
  let told: unknown[][];
  let client: RawHttp;
  let fd: number;

  /** Opens another connection: `client` and `fd` are its ends from now on. */
  const connect = async (): Promise<void> => {
    const address = server.address();
    const count = accepted.length;
    client = new RawHttp(typeof address === "object" ? (address?.port ?? 0) : 0);
    clients.push(client);
    await waitFor("the connection", () => accepted.length > count);
    fd = descriptorOf(accepted[count] ?? {});
  };

  const open = (changes: Partial<Record<keyof OpenArguments, unknown>>): unknown =>
    openWith(pool, { ...defaults(fd), ...changes });
  const figure = (name: string): number => figureOf(pool, name);

  before(async () => {
    server = createServer((socket) => accepted.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => new Promise((resolve) => server.close(resolve)));

  beforeEach(async () => {
    accepted = [];
    told = [];
    clients = [];
    pool = loadPoolAddon().createPool(options(), (...batch) => told.push(batch));
    await connect();
  });
  afterEach(() => {
    pool.close();
    for (const made of clients) made.close();
    for (const socket of accepted) socket.destroy();
  });

  it("invalid descriptors and formats - return an errno, and nothing is held", () => {
    for (const odd of ODD) {
      assert.equal(open({ fd: odd }), EBADF, `descriptor ${odd}`);
      assert.equal(open({ format: odd }), EINVAL, `format ${odd}`);
      assert.equal(open({ framing: odd }), EINVAL, `framing ${odd}`);
    }
    assert.equal(open({ format: FORMATS.length }), EINVAL);
    assert.equal(open({ framing: FRAMINGS.length }), EINVAL);
    assert.equal(figure("opened"), 0);
    assert.equal(figure("tableSize"), 0);
  });

  it("token with an expiry beyond every calendar - never expires", async () => {
    const far = [
      Number.POSITIVE_INFINITY,
      2 ** 53,
      1e17,
      2 ** 63 - 1,
      1e20,
      1e17 * 1000,
      2 ** 63 * 1000,
      1e308,
    ];
    for (const expiresAtMs of far) assert.equal(open({ expiresAtMs }), 0, `${expiresAtMs}`);
    await client.until(/(1\r\n\n\r\n){24}/); // three heartbeats each, so their streams were visited
    assert.equal(figure("open"), far.length);
  });

  it("token with an expiry in the past, however distant, or NaN - ends the stream as expired", async () => {
    const past = [
      Number.NaN,
      0,
      -0,
      -1,
      0.5,
      2 ** 31,
      Date.UTC(2020),
      -1e17,
      -1e308,
      Number.NEGATIVE_INFINITY,
    ];
    for (const expiresAtMs of past) {
      await connect();
      assert.equal(open({ expiresAtMs }), 0, `${expiresAtMs}`);
    }
    await waitFor("all to end", () => figure("expired") === past.length);
    assert.equal(figure("open"), 0);
  });

  it("ticks - 0 disables them, fractions are rounded up, huge ones never fire, and other numbers are refused", async () => {
    for (const tickMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, -0.5])
      assert.equal(open({ tickMs }), EINVAL, `${tickMs}`);
    for (const tickMs of [2 ** 53, 2 ** 63, 1e17, 1e308]) assert.equal(open({ tickMs }), 0, `${tickMs}`);
    assert.equal(open({ tickMs: 0 }), 0);
    await client.until(/(1\r\n\n\r\n){15}/); // three heartbeats each: a tick would have been sent by now
    assert.doesNotMatch(client.text, /tick/);
    assert.equal(open({ tickMs: 0.5 }), 0);
    await client.until(/tick 2;/);
  });

  it("broadcast - writes nothing for an invalid format", () => {
    assert.equal(open({}), 0);
    const before = figure("chunks");
    for (const odd of [...ODD, FORMATS.length]) pool.broadcast(odd, "x", "0");
    assert.equal(figure("chunks"), before);
    pool.broadcast(TEXT, "x", "0");
    assert.equal(figure("chunks"), before + 1);
  });

  it("finishSome - clamps counts of every kind, and ends nothing for an invalid reason", async () => {
    const drain = loadPoolAddon().closeReasons.indexOf("drain");
    const openSome = async (): Promise<void> => {
      for (let count = figure("open"); count < 3; count += 1) {
        await connect();
        assert.equal(open({}), 0);
      }
    };
    await openSome();
    for (const odd of [...ODD, loadPoolAddon().closeReasons.length]) pool.finishSome(3, odd);
    for (const none of [Number.NaN, Number.NEGATIVE_INFINITY, -1, -1e308, -0.5, 0.5, 0])
      pool.finishSome(none, drain);
    assert.equal(figure("open"), 3);
    pool.finishSome(1.9, drain);
    assert.equal(figure("open"), 2);
    for (const all of [2 ** 32, 2 ** 53, 1e17, 1e308, Number.POSITIVE_INFINITY]) {
      await openSome();
      pool.finishSome(all, drain);
      assert.equal(figure("open"), 0, `${all}`);
    }
  });

  it("invalid handle - has no name and releases nothing", () => {
    const ann = pool.acquire("ann");
    assert.equal(ann, 0);
    for (const odd of [...ODD, 1, 2 ** 32 - 1]) {
      assert.equal(pool.nameOf(odd), "", `${odd}`);
      assert.equal(pool.deliver(odd), -1, `${odd}`);
      pool.release(odd);
    }
    assert.equal(pool.find("ann"), ann);
    assert.equal(pool.nameOf(-0), "ann");
  });

  it("listenFd - refuses an invalid port or backlog instead of wrapping it modulo 65,536", () => {
    const { listenFd } = loadPoolAddon();
    for (const odd of [...ODD, 65_536, 70_000]) {
      assert.equal(listenFd("127.0.0.1", odd, 16), -EINVAL, `port ${odd}`);
    }
    for (const odd of ODD) assert.equal(listenFd("127.0.0.1", 0, odd), -EINVAL, `backlog ${odd}`);
  });

  it("user timeouts - refuse invalid descriptors and times, and keep the present value", () => {
    const { setUserTimeout, userTimeout } = loadPoolAddon();
    assert.equal(setUserTimeout(fd, 61_000), 0);
    for (const odd of [...ODD, 2 ** 31]) {
      assert.equal(setUserTimeout(odd, 1_000), EBADF, `descriptor ${odd}`);
      assert.equal(setUserTimeout(fd, odd), EINVAL, `time ${odd}`);
      assert.equal(userTimeout(odd), -EBADF, `descriptor ${odd}`);
    }
    assert.equal(userTimeout(fd), 61_000);
  });

  it("limits - are refused by name or range if invalid, and accept fractions", () => {
    const { createPool } = loadPoolAddon();
    const cork = { corkEvents: 1, corkBytes: 1, corkTotalBytes: 1 };
    const limits = { ...DEFAULT_LIMITS, comeBackMinMs: 500, comeBackSpreadMs: 4_500, ...cork };
    for (const name of Object.keys(limits)) {
      for (const odd of ODD.filter((number) => !(number >= 0 && number <= 1e15)))
        assert.throws(
          () => createPool({ ...options(), [name]: odd }, () => {}),
          TypeError,
          `${name}: ${odd}`,
        );
      for (const none of NO_NUMBERS)
        assert.throws(() => createPool({ ...options(), [name]: none as number }, () => {}), TypeError);
      createPool({ ...options(), [name]: 0.5 }, () => {}).close();
    }
  });

  it("insert of a format - is refused if invalid", () => {
    const { createPool } = loadPoolAddon();
    const [first] = options().formats;
    if (first === undefined) throw new Error("there is a format");
    for (const odd of [...ODD, 5])
      assert.throws(
        () => createPool({ ...options(), formats: [{ ...first, event: [odd] }] }, () => {}),
        TypeError,
      );
  });

  it("inserts of other texts - may only be the reconnect time and the cursor", () => {
    const { createPool } = loadPoolAddon();
    const [first] = options().formats;
    if (first === undefined) throw new Error("there is a format");
    const inserts = INSERTS.map((name, place) => [name, place] as const);
    for (const [name, place] of [...inserts, ...ODD.map((odd) => ["odd", odd] as const)]) {
      const make = () =>
        createPool({ ...options(), formats: [{ ...first, heartbeat: ["a", place] }] }, () => {});
      if (name === "number" || name === "cursor") make().close();
      else assert.throws(make, TypeError, `${name} ${place}`);
    }
  });

  it("cursor that is too long - causes a TypeError, and nothing is held or written", () => {
    const [longest, longer] = ["x".repeat(MAX_CURSOR_BYTES), "x".repeat(MAX_CURSOR_BYTES + 1)];
    for (const call of [
      () => open({ cursor: longer }),
      () => pool.setEvent("e", "{}", longer),
      () => pool.deliverFrame(new Uint8Array(16), 0, longer),
      () => pool.refresh(longer),
      () => pool.writeCorked(0, "x", longer, 0),
      () => pool.broadcast(TEXT, "x", longer),
    ])
      assert.throws(call, TypeError, String(call));
    assert.equal(figure("opened"), 0);
    assert.equal(open({ cursor: longest }), 0);
  });

  it("failAllocations - has no limit for a value that is not a count", () => {
    const { failAllocations } = loadPoolAddon();
    for (const odd of ODD) {
      failAllocations(0);
      failAllocations(odd);
      assert.ok(pool.acquire(`user-with-a-name-that-needs-memory-${ODD.indexOf(odd)}`) >= 0, `${odd}`);
    }
  });

  it("value that is not a number - causes a TypeError in each method and changes nothing", () => {
    const { listenFd, setUserTimeout, userTimeout } = loadPoolAddon();
    for (const none of NO_NUMBERS as number[]) {
      const calls: (() => unknown)[] = [
        ...["fd", "format", "framing", "expiresAtMs", "tickMs", "cork"].map(
          (name) => () => open({ [name]: none }),
        ),
        () => pool.deliver(none),
        () => pool.deliverFrame(new Uint8Array(32), none, ""),
        () => pool.broadcast(none, "x", "0"),
        () => pool.takeBuffered(none),
        () => pool.writeCorked(none, "x", "0", 0),
        () => pool.writeCorked(0, "x", "0", none),
        () => pool.waitingCorked(none),
        () => pool.uncork(none),
        () => pool.endCorked(none, 0),
        () => pool.endCorked(0, none),
        () => pool.finishSome(none, 0),
        () => pool.finishSome(1, none),
        () => pool.nameOf(none),
        () => pool.release(none),
        () => listenFd("127.0.0.1", none, 16),
        () => listenFd("127.0.0.1", 0, none),
        () => setUserTimeout(none, 1_000),
        () => setUserTimeout(fd, none),
        () => userTimeout(none),
      ];
      for (const call of calls) assert.throws(call, TypeError, `${call} of ${String(none)}`);
    }
    assert.equal(figure("opened"), 0);
  });

  it("invalid corks and reasons - identify no stream, and a number that is in use is refused", () => {
    const cursors = [...ODD, 2 ** 32];
    for (const odd of cursors.filter((number) => number !== -1))
      assert.equal(open({ cork: odd }), EINVAL, `cork ${odd}`);
    assert.equal(open({ cork: 2 ** 32 - 1 }), 0);
    assert.equal(open({ cork: 2 ** 32 - 1 }), ENOMEM);
    assert.deepEqual([figure("open"), figure("corked")], [1, 1]);
    for (const odd of cursors) {
      assert.equal(pool.takeBuffered(odd), undefined);
      assert.equal(pool.writeCorked(odd, "x", "0", 0), -1);
      assert.equal(pool.waitingCorked(odd), -1);
      pool.uncork(odd);
      pool.endCorked(odd, 0);
      pool.endCorked(2 ** 32 - 1, odd);
      assert.equal(pool.writeCorked(2 ** 32 - 1, "x", "0", odd), -1);
      assert.equal(
        pool.deliverFrame(new Uint8Array(0), odd, ""),
        Number.isSafeInteger(odd) && odd >= 0 ? -1 : 0,
      );
    }
    assert.deepEqual([figure("corked"), figure("chunks")], [1, 0]);
  });

  it("buffers of corked streams - are bounded in total, and an event of several counts once", () => {
    const users = ["ann", "bob", "carl", "dora"];
    for (const [cork, name] of users.entries()) assert.equal(open({ users: [name, "all"], cork }), 0);
    const deliver = (user: string, id: string): number => {
      pool.setEvent(id, "x".repeat(500 - 2 - id.length), "c1");
      return pool.deliver(pool.find(user));
    };
    assert.equal(deliver("all", "e0"), 4);
    assert.equal(figure("bufferedBytes"), 500);
    for (const [index, user] of ["ann", "bob", "carl"].entries())
      assert.equal(deliver(user, `e${index + 1}`), 1);
    assert.equal(figure("bufferedBytes"), 2_000);
    assert.equal(deliver("dora", "e4"), 0);
    assert.deepEqual([figure("bufferedBytes"), figure("overflows")], [2_000, 1]);
    assert.equal(pool.takeBuffered(3), null);
    assert.equal(pool.takeBuffered(0)?.length, 6);
    assert.equal(figure("bufferedBytes"), 1_500);
    assert.equal(deliver("dora", "e5"), 1);
    for (const cork of users.keys()) pool.uncork(cork);
    assert.deepEqual([figure("bufferedBytes"), figure("corked")], [0, 0]);
  });

  it("event that was taken before its other recipients had it - is stored again for them", () => {
    for (const [cork, name] of ["ann", "bob"].entries()) assert.equal(open({ users: name, cork }), 0);
    pool.setEvent("e1", '{"id":"e1"}', "c1");
    for (const [cork, user] of ["ann", "bob", "ann"].entries()) {
      assert.equal(pool.deliver(pool.find(user)), 1);
      assert.equal(figure("bufferedBytes"), 15);
      assert.deepEqual(pool.takeBuffered(cork % 2), ["e1", '{"id":"e1"}', "c1"]);
      assert.equal(figure("bufferedBytes"), 0);
    }
  });

  it("ends - are reported with all users, and the number of users and the reason per stream", async () => {
    assert.equal(open({ users: "ann" }), 0);
    assert.equal(open({ users: ["ann", "bob"] }), 0);
    client.close();
    await waitFor("the ends", () => told.flatMap(([names]) => names as string[]).length === 3);
    for (const batch of told) assert.equal(batch.length, 3);
    assert.deepEqual(told.flatMap(([, usersOf]) => [...(usersOf as Uint8Array)]).sort(), [1, 2]);
    const reasons = told.flatMap(([, , reason]) => [...(reason as Uint8Array)]);
    assert.deepEqual(
      reasons.map((reason) => loadPoolAddon().closeReasons[reason]),
      ["peer", "peer"],
    );
  });
});

interface OpenArguments {
  fd: number;
  format: number;
  framing: number;
  users: string | readonly string[];
  expiresAtMs: number;
  tickMs: number;
  cursor: string;
  cork: number;
}

function defaults(fd: number): OpenArguments {
  const expiresAtMs = Number.POSITIVE_INFINITY;
  return {
    fd,
    format: TEXT,
    framing: FRAMINGS.indexOf("chunked"),
    users: "ann",
    expiresAtMs,
    tickMs: 0,
    cursor: "0",
    cork: -1,
  };
}

/** Opens a chunked stream; passes values that are not numbers on unchanged. */
function openWith(pool: NativeHandle, given: Record<keyof OpenArguments, unknown>): number {
  const { fd, format, framing, users, expiresAtMs, tickMs, cursor, cork } = given as OpenArguments;
  return pool.open(fd, format, framing, "", "", users, expiresAtMs, tickMs, "tick ", ";", cursor, cork);
}

function options(): NativeOptions {
  const reasons = loadPoolAddon().closeReasons as readonly CloseReason[];
  return {
    ...{ ...DEFAULT_LIMITS, heartbeatMs: 100, endMs: 100 },
    ...{ comeBackMinMs: COME_BACK_MS.min, comeBackSpreadMs: COME_BACK_MS.spread },
    ...{ corkEvents: 3, corkBytes: 1_000, corkTotalBytes: 2_000 },
    formats: FORMATS.map((format) => nativeFormat(format, reasons)),
  };
}

/** Returns one of the figures, or the number of ends for a reason. */
function figureOf(pool: NativeHandle, name: string): number {
  const { figures, closeReasons } = loadPoolAddon();
  const values = new Float64Array(figures.length + closeReasons.length);
  pool.figures(values);
  return values[[...figures, ...closeReasons].indexOf(name)] ?? Number.NaN;
}
