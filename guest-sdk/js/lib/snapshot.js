// How the state of an instance is written, for the next one to take up.
import { attempt } from "./attempt.js";
import { Connection } from "./connection.js";
import { current } from "./current.js";
import { Members } from "./members.js";
import { parse, stringify } from "./saved.js";
import { decode, encode } from "./text.js";

/** Where `resume` does not know the schema. */
export const UNKNOWN_SCHEMA = Symbol("unknown schema");

/** The schema and the state, as bytes; throws where it can't be kept. */
export function suspend(instance) {
  current.instance = instance;
  current.connection = undefined;
  const { events } = instance;
  const state = {
    connections: [...instance.connections.values()].map((connection) => ({
      id: connection.id,
      state: connection.state,
      member: events.room?.members.has(connection),
      fields: events.objects && fields(events.objects.get(connection.id), connection),
    })),
    room: events.room && fields(events.room),
    timers: instance.timers?.save() ?? [],
  };
  return { schema: instance.definition.schema, state: encode(stringify(state)) };
}

/** Takes up a state in a fresh instance; throws where it can't, UNKNOWN_SCHEMA if so. */
export function resume(instance, ids, { schema, state }) {
  const { definition, events, connections } = instance;
  for (const id of ids) connections.set(id, new Connection(id));
  const ours = schema === definition.schema;
  const upgrades = definition.upgrade !== undefined || definition.upgradeState !== undefined;
  if (!ours && !upgrades) throw UNKNOWN_SCHEMA;
  const saved = read(state, (id) => connections.get(id) ?? new Connection(id), ours);
  const known = new Map(saved.connections.map((entry) => [entry.id, entry]));
  const missing = ids.find((id) => !known.has(id));
  if (missing !== undefined) throw new Error(`the state knows nothing of connection ${missing}`);
  const isRoom = saved.room !== undefined || saved.connections.some((entry) => entry.member);
  const areObjects = saved.connections.some((entry) => entry.fields !== undefined);
  if (isRoom ? !events.shared || saved.room === undefined : areObjects && !events.objects)
    throw new Error(
      `the state is that of ${isRoom ? "a room" : "objects of a class"}, and this version is something else: have it restart instead (swap = "restart")`,
    );
  const upgrade = (value, by) =>
    ours || value === undefined ? value : upgraded(definition, by, value, schema);

  current.instance = instance;
  if (saved.timers.length > 0) {
    if (instance.newTimers === undefined)
      throw new Error("the state has timers, and this version hears of none");
    instance.timers = instance.newTimers();
    instance.timers.restore(saved.timers, (owner) => connections.has(owner));
  }
  if (events.shared && saved.room !== undefined)
    events.room = revived(new definition(), upgrade(saved.room, "upgrade"));
  for (const connection of connections.values()) {
    const { state, member, fields } = known.get(connection.id);
    connection.state = upgrade(state, "upgradeState");
    if (member) Members.add(events.room.members, connection);
    if (fields !== undefined) {
      current.connection = connection;
      events.objects.set(
        connection.id,
        revived(new definition(), upgrade(fields, "upgrade"), connection),
      );
    }
  }
  told(instance);
}

/** What was kept. What is of another schema, and was not written by this SDK, is unknown. */
function read(state, connection, ours) {
  try {
    const saved = parse(decode(state), connection);
    checkForm(saved);
    return saved;
  } catch (error) {
    if (!ours) throw UNKNOWN_SCHEMA;
    throw new Error(`the state was not written by this SDK: ${error.message}`, { cause: error });
  }
}

/** Whether it is of the form that `suspend` gives it. */
function checkForm(saved) {
  const isObject = (value) => typeof value === "object" && value !== null;
  if (!isObject(saved)) throw new TypeError("it is no object");
  const { connections, timers, room } = saved;
  const isConnection = (entry) => isObject(entry) && Number.isInteger(entry.id);
  if (!Array.isArray(connections) || !connections.every(isConnection))
    throw new TypeError("its connections are none");
  const isTimer = (entry) =>
    Array.isArray(entry) && Number.isInteger(entry[0]) && isObject(entry[1]);
  if (!Array.isArray(timers) || !timers.every(isTimer)) throw new TypeError("its timers are none");
  for (const fields of [room, ...connections.map((entry) => entry.fields)]) {
    if (fields !== undefined && !isObject(fields))
      throw new TypeError("what it has of an object is none");
  }
}

/** What is kept of an object: what its onSuspend answers, or its own fields. */
function fields(object, connection) {
  if (object === undefined) return undefined;
  if (object.onSuspend === undefined) return { ...object };
  // Who keeps nothing is there all the same.
  const answer = object.onSuspend(connection) ?? {};
  if (typeof answer !== "object")
    throw new TypeError(
      `onSuspend answered a ${typeof answer}, and has to answer an object of fields`,
    );
  return answer;
}

function revived(object, fields) {
  return Object.assign(object, fields);
}

function upgraded(definition, by, value, schema) {
  // What has no function to upgrade it has not changed.
  if (definition[by] === undefined) return value;
  const newer = definition[by](value, schema);
  if (newer === undefined) throw UNKNOWN_SCHEMA;
  return newer;
}

/** Calls onResume, where there is one: an event like any other, except that none ends for it. */
function told(instance) {
  const { events, connections } = instance;
  if (events.shared)
    return void (
      events.room?.onResume && attempt(instance, undefined, () => events.room.onResume())
    );
  for (const connection of connections.values()) {
    const object = events.objects ? events.objects.get(connection.id) : events.definition;
    if (object?.onResume !== undefined)
      attempt(instance, connection, () => object.onResume(connection));
  }
}
