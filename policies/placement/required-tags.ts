import { policy } from "../policy.ts";
import { at, isSection, type Properties, unknown } from "../properties.ts";
import taggable from "./taggable.json" with { type: "json" };

/** What {@link requiredTags} takes. */
interface TagConfig {
  readonly tags: readonly string[];
}

const propertyOf: ReadonlyMap<string, string> = new Map(
  Object.entries(taggable).flatMap(([property, types]) => types.map((type) => [type, property] as const)),
);

/** Objects of Kubernetes that people ask for by label. */
const kubernetes = /^kubernetes:(?:core|apps|batch|networking\.k8s\.io|policy|autoscaling)\/v\d:[A-Za-z]+$/;

/** Every resource says which deployment it is of, and who looks after it. */
export const requiredTags = policy<TagConfig>({
  name: "required-tags",
  description: "Resources have the tags or labels that bills, searches and clean-ups go by.",
  severity: "low",
  appliesIn: "every environment",
  config: {
    tags: {
      type: "array",
      items: { type: "string" },
      default: ["deployment", "environment", "managed-by"],
      description: "Keys that have to be there, with any value.",
    },
  },
  rules: {
    "*": [
      ({ type, props, provider }, { tags }) => {
        const path = kubernetes.test(type) ? "metadata.labels" : propertyOf.get(type);
        if (path === undefined) return [];
        const given = at(props, path);
        if (given === unknown) return [];
        const all = { ...(isSection(given) ? given : {}), ...defaultsOf(provider) };
        const missing = tags.filter((tag) => all[tag] === undefined);
        return missing.length === 0 ? [] : [`${path}: without ${missing.join(", ")}; expected ${tags.join(", ")}`];
      },
    ],
  },
});

/** What the provider puts on everything that it makes. */
function defaultsOf(provider: Properties): Properties {
  const tags = at(provider, "defaultTags.tags") ?? at(provider, "defaultLabels");
  return isSection(tags) ? tags : {};
}
