// The model, as handlers see it: each test is a handler and what becomes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accept, alarms, AlarmError, env, log, reject, Room, topics } from "@socklet/guest";
import { TestHost } from "@socklet/guest/testing";

const errors = (host) => host.log.filter(({ level }) => level === "error").map(({ text }) => text);

test("each connection has an object of the class", async () => {
  class Counter {
    count = 0;
    onMessage(connection) {
      connection.write(String((this.count += 1)));
    }
  }
  const host = new TestHost(Counter);
  const [left, right] = [await host.connect(), await host.connect()];
  await left.send("a");
  await left.send("b");
  await right.send("c");
  assert.deepEqual([left.received, right.received], [["1", "2"], ["1"]]);
});

test("an exception ends its connection alone, and onClose follows", async () => {
  const ends = [];
  const host = new TestHost({
    onMessage(_connection, message) {
      throw new Error(message);
    },
    onClose: (_connection, { origin, code }) => void ends.push(`${origin} ${code}`),
  });
  const [failing, other] = [await host.connect(), await host.connect()];
  await failing.send("no such thing");
  assert.deepEqual(failing.closed, { code: 1011, reason: "uncaught exception" });
  assert.match(errors(host)[0], /^uncaught Error: no such thing\n +at (Object\.)?onMessage/);
  assert.deepEqual(ends, ["handler 1011"]);
  assert.equal(other.closed, undefined);
});

test("an async event is awaited, and what it throws is caught", async () => {
  const host = new TestHost({
    async onMessage(connection, message) {
      await null;
      if (message === "fail") throw new TypeError("late");
      connection.write(`after await: ${message}`);
    },
  });
  const peer = await host.connect();
  await peer.send("hi");
  assert.deepEqual(peer.received, ["after await: hi"]);
  await peer.send("fail");
  assert.equal(peer.closed.code, 1011);
});

test("a write to a slow peer closes it with 1013, and tryWrite hands the refusal back", async () => {
  const outcomes = [];
  const host = new TestHost({
    onMessage(connection, message) {
      if (message === "try") outcomes.push(connection.tryWrite("x"));
      else connection.write("x");
    },
  });
  const peer = await host.connect();
  peer.outcome = "full";
  await peer.send("try");
  assert.deepEqual([outcomes, peer.closed], [["full"], undefined]);
  await peer.send("write");
  assert.deepEqual(peer.closed, { code: 1013, reason: "max-backpressure" });
});

test("what is no message is a TypeError, and half a surrogate pair is replaced", async () => {
  const host = new TestHost({
    onMessage(connection, message) {
      if (message === "object") connection.write({});
      else connection.write("😀".slice(0, 1));
    },
  });
  const peer = await host.connect();
  await peer.send("half");
  assert.deepEqual(peer.received, ["\ufffd"]);
  await peer.send("object");
  assert.match(
    errors(host)[0],
    /a message is a string or bytes .*, not an object \(Object\): use JSON.stringify/,
  );
});

test("a gate decides, and one that does not refuses with 500", async () => {
  const host = new TestHost({
    onRequest(_connection, request) {
      const key = request.query("key");
      if (key === "xyzzy") return accept({ attachment: "admin", headers: { "x-a": "b" } });
      if (key === "forgotten") return undefined;
      if (key === "broken") throw new Error("broken");
      return reject(403, { body: "by invitation only" });
    },
    onReady: (connection) => connection.write(connection.attachmentText()),
  });
  assert.deepEqual((await host.connect({ query: "key=xyzzy" })).received, ["admin"]);
  const statuses = [];
  for (const key of ["other", "forgotten", "broken"])
    statuses.push((await host.connect({ query: `key=${key}` })).rejection.status);
  assert.deepEqual(statuses, [403, 500, 500]);
});

test("a member is one from the end of onReady to the beginning of onClose", async () => {
  class Sizes extends Room {
    onReady(connection) {
      connection.write(`ready ${this.members.size}`);
    }
    onMessage(connection, message) {
      if (message === "others") this.members.broadcastExcept(connection, "hey");
      else connection.write(`${this.members.size} ${this.members.has(connection)}`);
    }
    onClose() {
      this.members.broadcast(`left ${this.members.size}`);
    }
  }
  const host = new TestHost(Sizes);
  const [left, right] = [await host.connect(), await host.connect()];
  await left.send("size");
  await left.send("others");
  await right.close();
  assert.deepEqual(left.received, ["ready 0", "2 true", "left 1"]);
  assert.deepEqual(right.received, ["ready 1", "hey"]);
});

test("alarms go off in the order of their times, replace their like, and end with their connection", async () => {
  const host = new TestHost({
    onMessage(connection, message) {
      if (message === "clear") return connection.write(String(alarms.clear("a")));
      const [name, after, every] = message.split(" ");
      alarms.set(name, Number(after), {
        data: message,
        every: every === undefined ? undefined : Number(every),
      });
    },
    onAlarm: (connection, { name, data }) => connection.write(`${name}: ${data}`),
  });
  const peer = await host.connect();
  for (const message of ["b 300", "a 100", "b 50", "c 200 100"]) await peer.send(message);
  await host.advance(350);
  assert.deepEqual(peer.received, ["b: b 50", "a: a 100", "c: c 200 100", "c: c 200 100"]);
  await peer.send("clear");
  assert.equal(peer.received.at(-1), "false");
  await peer.close();
  assert.equal(host.timers.size, 0);
});

test("an alarm that can't be set is an error with its outcome", async () => {
  const seen = [];
  const host = new TestHost({
    onReady() {
      for (const after of [9, 366 * 24 * 3600 * 1000, Number.NaN]) {
        try {
          alarms.set("x", after);
        } catch (error) {
          seen.push(error instanceof AlarmError && error.outcome);
        }
      }
    },
  });
  await host.connect();
  assert.deepEqual(seen, ["out-of-range", "out-of-range", "out-of-range"]);
});

test("setTimeout calls back in an event of its own", async () => {
  const host = new TestHost({
    onReady(connection) {
      setTimeout((text) => connection.write(text), 100, "later");
      const ticks = setInterval(() => connection.write("tick"), 40);
      setTimeout(() => clearInterval(ticks), 90);
    },
  });
  const peer = await host.connect();
  await host.advance(1000);
  assert.deepEqual(peer.received, ["tick", "tick", "later"]);
});

test("a snapshot keeps fields, member state, alarms and what JSON has no form for", async () => {
  class Game extends Room {
    static schema = 1;
    points = new Map([["ada", 1n]]);
    seen = new Set([new Date(0).getTime()]);
    board = new Uint8Array([1, 2, 255]);
    turn = undefined;
    onReady(connection) {
      connection.state = { name: `player ${this.members.size}` };
      this.turn = connection;
      alarms.set("end", 1000, { data: { round: 2 } });
    }
    onMessage(connection) {
      const same = this.turn === [...this.members].at(-1);
      connection.write(
        [
          connection.state.name,
          this.points.get("ada"),
          this.seen.has(0),
          [...this.board],
          same,
        ].join(" "),
      );
    }
    onAlarm({ name, data }) {
      this.members.broadcast(`${name} ${data.round}`);
    }
  }
  const host = new TestHost(Game);
  const [first, second] = [await host.connect(), await host.connect()];
  await host.swap(class extends Game {});
  await first.send("?");
  await host.advance(1000);
  assert.deepEqual(first.received, ["player 0 1 true 1,2,255 true", "end 2"]);
  assert.deepEqual(second.received, ["end 2"]);
});

test("another schema is upgraded, or refused", async () => {
  class V1 {
    static schema = 1;
    presses = 3;
    onMessage(connection) {
      connection.write(`v1 ${this.presses}`);
    }
  }
  class V2 {
    static schema = 2;
    byWho = {};
    static upgrade(fields, schema) {
      return schema === 1 ? { byWho: { somebody: fields.presses } } : undefined;
    }
    onMessage(connection) {
      connection.write(JSON.stringify(this.byWho));
    }
  }
  const host = new TestHost(V1);
  const peer = await host.connect();
  await host.swap(V2);
  await peer.send("?");
  await assert.rejects(
    host.swap(V1),
    /the state has the schema 2, which the new version does not know/,
  );
  await peer.send("?");
  assert.deepEqual(peer.received, ['{"somebody":3}', '{"somebody":3}']);
});

test("onSuspend says what is kept, be it nothing; but it has to be an object", async () => {
  class Forgetful extends Room {
    static schema = 1;
    lines = ["a"];
    onMessage(connection) {
      connection.write(`${this.lines.length} ${this.members.size}`);
      this.lines.push("b");
    }
    onSuspend() {}
  }
  class Named {
    static schema = 1;
    onSuspend() {
      return "Ada";
    }
  }
  const host = new TestHost(Forgetful);
  const peer = await host.connect();
  await peer.send("?");
  await peer.send("?");
  await host.swap();
  await peer.send("?");
  assert.deepEqual(peer.received, ["1 1", "2 1", "1 1"]);
  const named = new TestHost(Named);
  await named.connect();
  await assert.rejects(named.swap(), /onSuspend answered a string, and has to answer an object/);
});

test("a state that can't be kept says where and why, and the old version serves on", async () => {
  class Keeps {
    static schema = 1;
    list = [{ call: () => {} }];
    onMessage(connection) {
      connection.write("here");
    }
  }
  class Waits {
    static schema = 1;
    onReady() {
      setTimeout(() => {}, 1000);
    }
  }
  const host = new TestHost(Keeps);
  const peer = await host.connect();
  await assert.rejects(host.swap(), /list\[0\]\.call is a function, which a snapshot can't keep/);
  await peer.send("?");
  assert.deepEqual(peer.received, ["here"]);
  const waiting = new TestHost(Waits);
  await waiting.connect();
  await assert.rejects(waiting.swap(), /1 callback of setTimeout or setInterval can't move/);
});

test("topics reach who is subscribed, but for the one who is left out", async () => {
  const host = new TestHost({
    onReady: (connection) => topics.subscribe(connection, "all"),
    onMessage: (connection, message) => topics.publish("all", message, { except: connection }),
  });
  const [left, right] = [await host.connect(), await host.connect()];
  await left.send("hi");
  assert.deepEqual([left.received, right.received], [[], ["hi"]]);
  assert.deepEqual(host.published, [{ topic: "all", message: "hi", except: left }]);
});

test("requests, captures, claims and the environment are found", async () => {
  const host = new TestHost(
    {
      onReady(connection, request) {
        const found = [
          request.header("X-Id"),
          request.headers("x-id").length,
          request.cookie("b"),
          request.query("name"),
          request.query("bad"),
          request.query("none"),
          connection.param("room"),
          connection.claims().sub,
          env("GREETING"),
        ];
        connection.write(found.map(String).join("|"));
        log.trace("seen");
      },
    },
    { env: { GREETING: "hello" } },
  );
  const peer = await host.connect({
    query: "name=J%C3%BCrgen+M&bad=100%&bad=2",
    headers: [
      ["x-id", "1"],
      ["x-id", "2"],
      ["cookie", "a=1; b=2=3"],
    ],
    params: { room: "blue" },
    claims: { sub: "ada" },
  });
  assert.deepEqual(peer.received, ["1|2|2=3|Jürgen M|100%|undefined|blue|ada|hello"]);
  assert.deepEqual(host.log, [{ level: "trace", text: "seen" }]);
});
