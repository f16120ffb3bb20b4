import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";
import type { Part } from "./names.ts";
import { partLabels } from "./names.ts";

/** Where the objects of the monitoring go, and how they are marked. */
export interface Place {
  /** Start of the names of resources in the program. */
  readonly name: string;
  /** Name of the namespace, known once it is there. */
  readonly namespace: Input<string>;
  /** Labels of every object. */
  readonly labels: Readonly<Record<string, string>>;
  readonly imagePullSecrets: readonly string[];
  /** Storage class of volumes; absent: the cluster's own. */
  readonly storageClass?: Input<string>;
  readonly options: CustomResourceOptions;
}

/** Metadata of an object of a part. */
export function metadata({ namespace, labels }: Pick<Place, "namespace" | "labels">, part: Part, name: string = part) {
  return { name, namespace, labels: { ...labels, ...partLabels(part) } };
}

/** What every pod's specification begins with: no token of the API, unless a part needs one. */
export function podDefaults({ imagePullSecrets }: Pick<Place, "imagePullSecrets">) {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
  };
}

/** The volume `data` of each replica of a part. */
export function dataVolume({ labels, storageClass }: Pick<Place, "labels" | "storageClass">, gibibytes: number) {
  return [
    {
      metadata: { name: "data", labels },
      spec: {
        accessModes: ["ReadWriteOnce"],
        ...(storageClass !== undefined && { storageClassName: storageClass }),
        resources: { requests: { storage: `${gibibytes}Gi` } },
      },
    },
  ];
}

/** Of replicas one at a time is moved; one that is alone may always be. */
export function budget(place: Place, part: Part, replicas: number): void {
  if (replicas < 2) return;
  new PodDisruptionBudget(
    `${place.name}-${part}`,
    { metadata: metadata(place, part), spec: { maxUnavailable: 1, selector: { matchLabels: partLabels(part) } } },
    place.options,
  );
}
