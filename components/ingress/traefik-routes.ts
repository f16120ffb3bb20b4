import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { inNamespace } from "../platform/kubernetes/labels.ts";
import { checkRoutes, planRoutes, type Route } from "./route.ts";

/** Arguments of `TraefikRoutes`. */
export interface TraefikRoutesArgs {
  readonly deployment: Deployment;
  /** Namespace of the Services that are routed to; the routes are there too. */
  readonly namespace: Input<string>;
  readonly routes: readonly Route[];
  /** Which Traefik they are for: the value of its `ingressClass`. Default: `traefik`. */
  readonly ingressClass?: string;
  /** Traefik's entry point for TLS. Default: `websecure`. */
  readonly entryPoint?: string;
  /** Namespace that Traefik runs in, for NetworkPolicies of routes with `pods`. Default: `traefik`. */
  readonly traefikNamespace?: string;
}

/**
 * Routes for a Traefik that is already there, by its custom resources: TLS passthrough for sequencers, gRPC and HTTP with TLS that
 * ends at Traefik; each with an allow-list and limits of its own.
 *
 * Resources: 1 + 3 for every route of mode `passthrough`, 5 for every other; 2 more with `serviceTls`, 1 more with `pods`, and 1
 * more where `paths` are stripped.
 *
 * Cost: nothing of its own.
 */
export class TraefikRoutes extends ComponentResource {
  /** Host names that are routed, by route. */
  readonly hosts: Readonly<Record<string, string>>;

  constructor(name: string, args: TraefikRoutesArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:ingress:TraefikRoutes", name, {}, options);
    const { deployment, namespace, routes, ingressClass = "traefik", entryPoint = "websecure" } = args;
    checkRoutes(routes);
    const labels = tagsOf(deployment);
    const parent = { parent: this };
    const { objects, authorities } = planRoutes(name, entryPoint, routes);

    for (const [called, caPem] of Object.entries(authorities)) {
      new ConfigMap(called, { metadata: { name: called, namespace, labels }, data: { "ca.crt": caPem } }, parent);
    }
    for (const { kind, name: called, spec } of objects) {
      const annotations = { "kubernetes.io/ingress.class": ingressClass };
      new CustomResource(
        called,
        { apiVersion: "traefik.io/v1alpha1", kind, metadata: { name: called, namespace, labels, annotations }, spec },
        parent,
      );
    }
    for (const { name: route, pods } of routes) {
      if (pods === undefined) continue;
      const called = `${name}-${route}`;
      new NetworkPolicy(
        called,
        {
          metadata: { name: called, namespace, labels },
          spec: {
            podSelector: { matchLabels: pods.labels },
            policyTypes: ["Ingress"],
            ingress: [
              {
                from: [inNamespace(args.traefikNamespace ?? "traefik")],
                ports: [{ protocol: "TCP", port: pods.port }],
              },
            ],
          },
        },
        parent,
      );
    }
    this.hosts = Object.fromEntries(routes.map(({ name: route, host }) => [route, host]));
    this.registerOutputs({ hosts: this.hosts });
  }
}
