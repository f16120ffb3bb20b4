/** Names of cloud resources, within the rules of each cloud. Pure. */
import { createHash } from "node:crypto";

/** What a kind of resource may be called. */
export interface NameRule {
  /** Longest name, in characters. */
  readonly length: number;
  /** `hyphens`: lower-case letters, digits and hyphens; `plain`: lower-case letters and digits. Default: `hyphens`. */
  readonly characters?: "hyphens" | "plain";
  /** Nobody else in the whole cloud may have the name: the end of it comes from `scope`. Example: a subscription's id. */
  readonly scope?: string;
}

/** Characters of a hash at the end of a name that was cut or has to be unique. */
const hashLength = 6;

/**
 * A name from its parts, joined by hyphens, starting with a letter and ending with a letter or digit. A name that would be
 * too long is cut and ends with a hash of the whole, so that two long names stay different. The same parts give the same name.
 *
 * @param parts lower-case letters, digits and hyphens; the first starts with a letter. Example: `["canton-prod", "nodes"]`
 * @throws Error naming a part that is not so
 */
export function nameWithin({ length, characters = "hyphens", scope }: NameRule, ...parts: readonly string[]): string {
  parts.forEach((part, index) => {
    if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(part) || (index === 0 && !/^[a-z]/.test(part))) {
      throw new Error(
        `got "${part}" as a part of a name; expected lower-case letters, digits and hyphens, a letter first`,
      );
    }
  });
  const separator = characters === "plain" ? "" : "-";
  const plain = (text: string) => (characters === "plain" ? text.replaceAll("-", "") : text);
  const whole = plain(parts.join("-"));
  if (scope === undefined && whole.length <= length) return whole;
  const hash = createHash("sha256")
    .update(JSON.stringify([parts, scope]))
    .digest("hex")
    .slice(0, hashLength);
  const kept = whole.slice(0, length - hashLength - separator.length).replace(/-+$/, "");
  return `${kept}${separator}${hash}`;
}
