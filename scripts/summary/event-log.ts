/** What an update did: how many resources of each kind of change (`create`, `update`, `delete`, `replace`, `same`, …). */
export type ResourceChanges = Readonly<Record<string, number>>;

/**
 * Reads the changes out of the engine's event log (a JSON object a line). Undefined when the update did not get as far
 * as a summary.
 */
export function changesIn(eventLog: string): ResourceChanges | undefined {
  let changes: ResourceChanges | undefined;
  for (const line of eventLog.split("\n")) {
    if (!line.includes('"summaryEvent"')) continue;
    try {
      const event = JSON.parse(line) as { summaryEvent?: { resourceChanges?: ResourceChanges } };
      changes = event.summaryEvent?.resourceChanges ?? changes;
    } catch {
      // the last line of an engine that was killed
    }
  }
  return changes;
}

/** The changes in words: `nothing to change`, or `3 created, 1 updated`. */
export function describeChanges(changes: ResourceChanges): string {
  const words: Readonly<Record<string, string>> = {
    create: "created",
    update: "updated",
    delete: "deleted",
    replace: "replaced",
    "create-replacement": "",
    "delete-replaced": "",
    same: "",
    read: "",
    refresh: "",
  };
  const told = Object.entries(changes)
    .map(([change, count]) => ({ count, word: words[change] ?? change }))
    .filter(({ count, word }) => count > 0 && word !== "")
    .map(({ count, word }) => `${count} ${word}`);
  return told.length === 0 ? "nothing to change" : told.join(", ");
}
