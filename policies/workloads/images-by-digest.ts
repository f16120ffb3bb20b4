import { policy } from "../policy.ts";
import { show, unknown } from "../properties.ts";
import { podRules } from "./pods.ts";

const withDigest = /@sha256:[0-9a-f]{64}$/;

/** What runs is what was checked: a tag can be moved, a digest cannot. */
export const imagesByDigest = policy({
  name: "images-by-digest",
  description: "Images are named by digest.",
  severity: "high",
  appliesIn: "every environment",
  rules: podRules(({ containers }) =>
    containers
      .map(({ path, section }) => ({ path, image: section["image"] }))
      .filter(({ image }) => image !== unknown && !(typeof image === "string" && withDigest.test(image)))
      .map(({ path, image }) => `${path}.image: got ${show(image)}; expected one that ends with @sha256:…`),
  ),
});
