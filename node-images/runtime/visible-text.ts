/** Control characters, and those that change the direction or are not seen: they steer terminals, or have a text read as another. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** What sets colours (SGR), lines and tabs; or else one of those. */
const layout = new RegExp(`(\\x1b\\[[0-9;]*m|[\\n\\t])|${invisible.source}`, "gu");

/** A text of somebody else as one line for people: what would not be seen is shown as its code, such as `\u{1b}`. */
export function visibleText(text: string): string {
  return text.replace(invisible, code);
}

/** The same for what was laid out: lines, tabs and colours stay. */
export function visibleLayout(text: string): string {
  return text.replace(layout, (match, kept: string | undefined) => kept ?? code(match));
}

function code(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
