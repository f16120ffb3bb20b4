/** Where the objects of Kubernetes keep the description of their pods. */

import type { CommonConfig, Rule } from "../policy.ts";
import { at, isSection, type Properties, sectionsAt } from "../properties.ts";

const specPaths: Readonly<Record<string, string>> = {
  "kubernetes:core/v1:Pod": "spec",
  "kubernetes:apps/v1:Deployment": "spec.template.spec",
  "kubernetes:apps/v1:StatefulSet": "spec.template.spec",
  "kubernetes:apps/v1:DaemonSet": "spec.template.spec",
  "kubernetes:batch/v1:Job": "spec.template.spec",
  "kubernetes:batch/v1:CronJob": "spec.jobTemplate.spec.template.spec",
};

/** A container of a pod. */
export interface Container {
  readonly path: string;
  readonly name: string;
  readonly section: Properties;
  /** The pod's security context, whose settings hold where the container has none of its own. */
  readonly podSecurity: Properties;
}

/** A pod's description, at the path where it is. */
export interface PodSpec {
  readonly path: string;
  readonly section: Properties;
  readonly containers: readonly Container[];
}

/** Rules for all types that make pods, from one about a pod. */
export function podRules<Config = CommonConfig>(
  rule: (pod: PodSpec, config: Config) => readonly string[],
): Readonly<Record<string, readonly Rule<Config>[]>> {
  return Object.fromEntries(
    Object.entries(specPaths).map(([type, path]) => [
      type,
      [
        ({ props }, config) => {
          const section = at(props, path);
          return isSection(section) ? rule(podSpec(path, section), config) : [];
        },
      ],
    ]),
  );
}

function podSpec(path: string, section: Properties): PodSpec {
  const security = section["securityContext"];
  const containers = ["initContainers", "containers"].flatMap((list) =>
    sectionsAt(section, list).map((container) => ({
      path: `${path}.${container.path}`,
      name: String(container.section["name"] ?? ""),
      section: container.section,
      podSecurity: isSection(security) ? security : {},
    })),
  );
  return { path, section, containers };
}
