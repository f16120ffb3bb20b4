import { policy } from "../policy.ts";
import { at, isSection, listAt, sectionsAt } from "../properties.ts";
import { podRules } from "./pods.ts";
import { holdsSecret, namesSecret } from "./secret-values.ts";

const instead = "expected a reference to a Secret";

/** Secrets are where they are guarded, and not where everybody who may look at a workload reads them. Values are never repeated. */
export const noPlainSecrets = policy({
  name: "no-plain-secrets",
  description: "No secret stands in an environment, an argument or a ConfigMap.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    ...podRules(({ containers }) =>
      containers.flatMap(({ path, section }) => [
        ...sectionsAt(section, "env")
          .filter(({ section: { name, value } }) => isSecret(String(name), value))
          .map(
            (variable) =>
              `${path}.${variable.path} (${variable.section["name"]}): a secret in the clear; ${instead} in valueFrom`,
          ),
        ...["command", "args"].flatMap((list) =>
          listAt(section, list)
            .map((argument, index) => ({ argument, at: `${path}.${list}[${index}]` }))
            .filter(({ argument }) => typeof argument === "string" && isSecretArgument(argument))
            .map(({ at: where }) => `${where}: a secret in the clear; expected a file that is mounted from a Secret`),
        ),
      ]),
    ),
    "kubernetes:core/v1:ConfigMap": [
      ({ props }) => {
        const data = at(props, "data");
        if (!isSection(data)) return [];
        return Object.entries(data)
          .filter(([key, value]) => isSecret(key, value))
          .map(([key]) => `data.${key}: a secret in the clear; expected a Secret that is mounted beside it`);
      },
    ],
    "pulumi-nodejs:dynamic/local:Node": [
      ({ props }) =>
        secretsIn(props["config"], "config").map(
          (path) => `${path}: a secret in the clear; expected a file that holds it`,
        ),
    ],
  },
});

function isSecret(name: string, value: unknown): boolean {
  return typeof value === "string" && value !== "" && (namesSecret(name) || holdsSecret(value));
}

function isSecretArgument(argument: string): boolean {
  const [, option = "", value] = /^--?([A-Za-z0-9.-]+)=(.+)$/.exec(argument) ?? [];
  return holdsSecret(argument) || (value !== undefined && !value.startsWith("$(") && namesSecret(option));
}

function secretsIn(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((element, index) => secretsIn(element, `${path}[${index}]`));
  if (!isSection(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    isSecret(key, inner) ? [`${path}.${key}`] : secretsIn(inner, `${path}.${key}`),
  );
}
