import { isFalse, isOneOf, isTrue, policy, wants } from "../policy.ts";
import { at, listAt, sectionsAt } from "../properties.ts";
import { type Container, podRules } from "./pods.ts";

/** What Kubernetes calls the restricted standard, and a root file system that cannot be written to. */
export const podSecurity = policy({
  name: "pod-security",
  description:
    "Pods run without root, without privileges, without the host's namespaces, and cannot change their image.",
  severity: "high",
  appliesIn: "every environment",
  rules: podRules(({ path, section, containers }) => [
    ...["hostNetwork", "hostPID", "hostIPC"].flatMap((key) => wants(section, key, "false", isFalse, false, `${path}.`)),
    ...sectionsAt(section, "volumes")
      .filter(({ section: volume }) => volume["hostPath"] !== undefined)
      .map((volume) => `${path}.${volume.path}.hostPath: a folder of the machine; expected a volume of its own`),
    ...containers.flatMap(containerRules),
  ]),
});

function containerRules({ path, section, podSecurity: pod }: Container): readonly string[] {
  const own = at(section, "securityContext");
  // The pod's settings hold where the container has none of its own.
  const security = { ...pod, ...(typeof own === "object" ? own : {}) };
  const prefix = `${path}.securityContext.`;
  const dropped = listAt(security, "capabilities.drop");
  return [
    ...wants(security, "runAsNonRoot", "true", isTrue, false, prefix),
    ...wants(security, "allowPrivilegeEscalation", "false", isOneOf(false), false, prefix),
    ...wants(security, "privileged", "false", isFalse, false, prefix),
    ...wants(security, "readOnlyRootFilesystem", "true", isTrue, false, prefix),
    ...wants(
      security,
      "seccompProfile.type",
      '"RuntimeDefault" or "Localhost"',
      isOneOf("RuntimeDefault", "Localhost"),
      false,
      prefix,
    ),
    ...wants(security, "capabilities.drop", '["ALL"]', () => dropped.includes("ALL"), false, prefix),
    ...wants(
      security,
      "capabilities.add",
      "nothing but NET_BIND_SERVICE",
      () => listAt(security, "capabilities.add").every((name) => name === "NET_BIND_SERVICE"),
      false,
      prefix,
    ),
  ];
}
