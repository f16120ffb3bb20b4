import { expect, test } from "vitest";
import { testType, violations } from "../testing/ask.ts";
import { podSecurity } from "./pod-security.ts";

const type = "kubernetes:apps/v1:StatefulSet";
const securityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
const pod = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  containers: [{ name: "node", securityContext }],
  volumes: [{ name: "config", secret: { secretName: "config" } }],
};
const path = "spec.template.spec";
const own = `${path}.containers.0.securityContext`;
const told = (key: string) => `${path}.containers[0].securityContext.${key}: got `;

testType(podSecurity, { type, props: { spec: { template: { spec: pod } } } }, [
  [`${own}.allowPrivilegeEscalation`, true, told("allowPrivilegeEscalation")],
  [`${own}.allowPrivilegeEscalation`, undefined, told("allowPrivilegeEscalation")],
  [`${own}.readOnlyRootFilesystem`, false, told("readOnlyRootFilesystem")],
  [`${own}.privileged`, true, told("privileged")],
  [`${own}.runAsNonRoot`, false, told("runAsNonRoot")],
  [`${own}.capabilities.drop`, ["NET_RAW"], told("capabilities.drop")],
  [`${own}.capabilities.add`, ["SYS_ADMIN"], told("capabilities.add")],
  [`${path}.securityContext.runAsNonRoot`, undefined, told("runAsNonRoot")],
  [`${path}.securityContext.seccompProfile.type`, "Unconfined", told("seccompProfile.type")],
  [`${path}.hostNetwork`, true],
  [`${path}.hostPID`, true],
  [`${path}.hostIPC`, true],
  [`${path}.volumes.0`, { name: "host", hostPath: { path: "/var" } }, `${path}.volumes[0].hostPath`],
]);

test("a pod without any of it is told all of it", async () => {
  const bare = { spec: { template: { spec: { containers: [{ name: "node" }] } } } };
  expect(await violations(podSecurity, { type, props: bare })).toHaveLength(5);
});
