/** Messages as the recordings of a real Canton have them: snake case, nothing that has its default. */

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/_[a-z]/g, (pair) => pair.slice(1).toUpperCase());

function isDefault(value: unknown): boolean {
  return value === undefined || value === "" || value === false || value === 0 || value === 0n;
}

/** One of our messages as it would have been recorded. `annotations` are a map: its keys stay as they are. */
export function recordedForm(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(recordedForm);
  if (typeof message === "bigint") return String(message);
  if (typeof message !== "object" || message === null) return message;
  const fields: [string, unknown][] = Object.entries(message).flatMap(([name, value]): [string, unknown][] => {
    if (isDefault(value)) return [];
    if (name === "annotations") return Object.keys(value).length === 0 ? [] : [[name, { ...value }]];
    if (typeof value === "object" && "$case" in value) return [[snake(value.$case), recordedForm(value.value)]];
    if (Array.isArray(value) && value.length === 0) return [];
    return [[snake(name), recordedForm(value)]];
  });
  return Object.fromEntries(fields);
}

/** A recorded message in our names, to be completed by `fromPartial`; `kindOf` names the messages that are a oneof `kind`. */
export function ourForm(recorded: any): any {
  if (Array.isArray(recorded)) return recorded.map(ourForm);
  if (typeof recorded !== "object" || recorded === null) return recorded;
  // Too long a text was recorded by its beginning and its length.
  if ("text_cut" in recorded) return recorded.text_cut[0].repeat(recorded.full_length);
  return Object.fromEntries(
    Object.entries<any>(recorded).map(([name, value]) => {
      if (name === "rights") return [name, value.map(rightOf)];
      if (name === "annotations") {
        return [name, Object.fromEntries(Object.entries(value).map(([key, text]) => [key, ourForm(text)]))];
      }
      if (name === "update_mask") return ["updateMask", value.paths ?? []];
      return [camel(name), ourForm(value)];
    }),
  );
}

function rightOf(recorded: any) {
  const [name, value] = Object.entries(recorded)[0] ?? [];
  return { kind: name === undefined ? undefined : { $case: camel(name), value } };
}
