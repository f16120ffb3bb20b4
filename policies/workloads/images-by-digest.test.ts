import { testType } from "../testing/ask.ts";
import { imagesByDigest } from "./images-by-digest.ts";

const image = `registry.example.com/canton/participant@sha256:${"0".repeat(64)}`;
const spec = { initContainers: [{ name: "migrate", image }], containers: [{ name: "node", image }] };

for (const [type, path, props] of [
  ["kubernetes:core/v1:Pod", "spec", { spec }],
  ["kubernetes:apps/v1:Deployment", "spec.template.spec", { spec: { template: { spec } } }],
  ["kubernetes:apps/v1:StatefulSet", "spec.template.spec", { spec: { template: { spec } } }],
  ["kubernetes:apps/v1:DaemonSet", "spec.template.spec", { spec: { template: { spec } } }],
  ["kubernetes:batch/v1:Job", "spec.template.spec", { spec: { template: { spec } } }],
  [
    "kubernetes:batch/v1:CronJob",
    "spec.jobTemplate.spec.template.spec",
    { spec: { jobTemplate: { spec: { template: { spec } } } } },
  ],
] as const) {
  testType(imagesByDigest, { type, props }, [
    [`${path}.containers.0.image`, "registry.example.com/canton/participant:1.2.3", "containers[0].image"],
    [`${path}.initContainers.0.image`, "registry.example.com/canton/participant", "initContainers[0].image"],
  ]);
}
