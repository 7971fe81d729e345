/** Who hears of an alarm; an error where nobody does. */
export function heard(object, alarm) {
  if (typeof object.onAlarm === "function") return object;
  throw new TypeError(
    `the alarm ${JSON.stringify(alarm.name)} went off, and the handler has no onAlarm`,
  );
}
