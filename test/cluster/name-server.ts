/** The objects of the cluster's name server, in the place where every cluster has it. */
import type { KubernetesObject } from "../kubernetes/object-paths.ts";
import { namesImage } from "./images/node-images.ts";

/** The address by which pods know it. */
export const nameServerAddress = "10.96.0.10";

const name = "names";
const metadata = { name, namespace: "kube-system" };
const labels = { "k8s-app": "kube-dns" };
/** In the pod, too: policies of the network are about ports of pods. */
const port = 53;

const corefile = `.:${port} {
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    pods insecure
  }
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

/** Objects, in the order in which they need each other. */
export const nameServerObjects: readonly KubernetesObject[] = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules: [
      { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", ...metadata }],
  },
  { apiVersion: "v1", kind: "ConfigMap", metadata, data: { Corefile: corefile } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, name: "kube-dns" },
    spec: {
      clusterIP: nameServerAddress,
      selector: labels,
      ports: (["UDP", "TCP"] as const).map((protocol) => ({
        name: protocol.toLowerCase(),
        port: 53,
        targetPort: port,
        protocol,
      })),
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          containers: [
            {
              name,
              image: namesImage,
              imagePullPolicy: "Never",
              // For the port.
              securityContext: { runAsUser: 0 },
              args: ["-conf", "/etc/names/Corefile"],
              readinessProbe: { tcpSocket: { port } },
              volumeMounts: [{ name: "config", mountPath: "/etc/names" }],
            },
          ],
          volumes: [{ name: "config", configMap: { name } }],
        },
      },
    },
  },
];
