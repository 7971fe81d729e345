// States that this SDK has not written, or not so: each is refused, with what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Room } from "@socklet/guest";
import { snapshot } from "../lib/component/snapshot.js";
import { Events as ofClass } from "../lib/events/class.js";
import { Events as ofRoom } from "../lib/events/room.js";
import { Instance } from "../lib/instance.js";
import { encode } from "../lib/text.js";

class Counter {
  static schema = 1;
  count = 0;
}

class Upgraded extends Counter {
  static schema = 2;
  static upgrade(fields) {
    return fields;
  }
}

class Chat extends Room {
  static schema = 1;
}

/** What a component's `resume` says of a state; undefined where it takes it up. */
function refusal(definition, state, schema = 1) {
  const Events = definition.prototype instanceof Room ? ofRoom : ofClass;
  const instance = new Instance(definition, new Events(definition));
  instance.newTimers = undefined;
  try {
    snapshot(instance).resume([7], {
      schema,
      state: state instanceof Uint8Array ? state : encode(state),
    });
  } catch (error) {
    return error;
  }
  return undefined;
}

const WHOLE = '{"connections":[{"id":7,"state":{},"fields":{"count":3}}],"timers":[]}';
const ROOM = '{"connections":[{"id":7,"state":{},"member":true}],"room":{"topic":"a"},"timers":[]}';

test("what is whole is taken up", () => {
  assert.equal(refusal(Counter, WHOLE), undefined);
  assert.equal(refusal(Upgraded, WHOLE), undefined);
  assert.equal(refusal(Chat, ROOM), undefined);
});

const garbage = {
  nothing: ["", /not written by this SDK/],
  bytes: [Uint8Array.of(0xff, 0, 0xfe), /not written by this SDK/],
  "a number": ["5", /it is no object/],
  null: ["null", /it is no object/],
  "nothing in it": ["{}", /its connections are none/],
  "connections of another type": ['{"connections":5,"timers":[]}', /its connections are none/],
  "a connection of another type": [
    '{"connections":[null],"timers":[]}',
    /its connections are none/,
  ],
  "no timers": ['{"connections":[{"id":7}]}', /its timers are none/],
  "a timer of another type": ['{"connections":[{"id":7}],"timers":[5]}', /its timers are none/],
  "fields that are none": [WHOLE.replace('{"count":3}', "3"), /what it has of an object is none/],
  "a mark that is not known": [
    WHOLE.replace("3", '{"$":"Regexp","of":1}'),
    /has "Regexp", which this version/,
  ],
  "a Map that is none": [WHOLE.replace("3", '{"$":"Map","of":1}'), /not written by this SDK: ./],
  "bytes that are none": [
    WHOLE.replace("3", '{"$":"bytes","of":"%"}'),
    /not written by this SDK: ./,
  ],
  "a number that is too long": [
    WHOLE.replace("3", '{"$":"bigint","of":"x"}'),
    /not written by this SDK: ./,
  ],
  "too many levels": [
    WHOLE.replace("3", "[".repeat(100_000) + "]".repeat(100_000)),
    /nested more than 195 levels/,
  ],
  "too many objects": [
    WHOLE.replace("3", "[".repeat(100) + "]".repeat(100)),
    /more than 64 objects within/,
  ],
};
for (let length = 1; length < WHOLE.length; length += 7)
  garbage[`the first ${length} bytes`] = [WHOLE.slice(0, length), /not written by this SDK: ./];

for (const [name, [state, message]] of Object.entries(garbage)) {
  test(`a state is refused: ${name}`, () => {
    for (const definition of [Counter, Chat]) {
      const error = refusal(definition, state);
      assert.equal(error?.tag, "failed");
      assert.match(error.val, message);
    }
    assert.deepEqual(refusal(Upgraded, state), { tag: "unknown-schema" });
  });
}

test("a room takes up no state of a class, and a class none of a room", () => {
  assert.match(
    refusal(Chat, WHOLE).val,
    /that of objects of a class, and this version is something else/,
  );
  assert.match(refusal(Counter, ROOM).val, /that of a room, and this version is something else/);
  assert.match(refusal(Chat, ROOM.replace('"room":{"topic":"a"},', "")).val, /that of a room/);
});

test("a state without one of the connections is refused", () => {
  const error = refusal(Counter, WHOLE.replace("7", "8"));
  assert.match(error.val, /the state knows nothing of connection 7/);
});

test("a state with timers is refused where nobody hears of them", () => {
  const error = refusal(Counter, WHOLE.replace('"timers":[]', '"timers":[[1,{"name":"a"}]]'));
  assert.match(error.val, /the state has timers, and this version hears of none/);
});
