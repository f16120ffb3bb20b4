import { policy } from "../policy.ts";
import { show, unknown } from "../properties.ts";

/** What {@link allowedRegions} takes. */
interface RegionConfig {
  /** Empty: any. */
  readonly regions: readonly string[];
}

/** Where each cloud's resources say where they are; the first that is there counts. */
const places: Readonly<Record<string, readonly string[]>> = {
  aws: ["region"],
  "azure-native": ["location"],
  gcp: ["location", "region", "zone"],
};

/** Data stays where it may be. */
export const allowedRegions = policy<RegionConfig>({
  name: "allowed-regions",
  description: "Resources are in the regions that the organisation allows.",
  severity: "high",
  appliesIn: "every environment",
  config: {
    regions: {
      type: "array",
      items: { type: "string" },
      default: [],
      description: "Regions as the cloud calls them, such as eu-central-1; none: any.",
    },
  },
  rules: {
    "*": [
      ({ type, props, provider }, { regions }) => {
        const keys = regions.length === 0 ? [] : (places[type.split(":")[0] ?? ""] ?? []);
        const found = [props, provider]
          .flatMap((from) => keys.map((key) => ({ key, place: from[key] })))
          .find(({ place }) => place !== undefined);
        if (found === undefined || found.place === unknown) return [];
        const region = regionOf(String(found.place));
        // Names, policies and the like that belong to no region.
        if (region === "global" || regions.some((allowed) => regionOf(allowed) === region)) return [];
        return [`${found.key}: got ${show(found.place)}; expected one of ${regions.join(", ")}`];
      },
    ],
  },
});

/** `West Europe` and `westeurope` are one region, and `europe-west3-a` is in `europe-west3`. */
function regionOf(place: string): string {
  return place
    .toLowerCase()
    .replaceAll(" ", "")
    .replace(/^([a-z]+-[a-z]+\d+)-[a-z]$/, "$1");
}
