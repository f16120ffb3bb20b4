/** Routes from the outside to a service of a deployment, and the objects of Traefik that they come to. Pure. */
import type { Input } from "@pulumi/pulumi";
import { checkRanges } from "../network/reverse-proxy-config.ts";

/** What answers below a prefix of the path. */
export interface RoutePath {
  /** What the paths begin with; what follows begins with a slash. Example: `"/trigger"`. */
  readonly prefix: string;
  /** Name of the Service that answers. */
  readonly service: string;
  /** Port of the Service. */
  readonly port: number;
  /** Whether the Service gets the path without the prefix. Default: false. */
  readonly strip?: boolean;
}

/** A way from the outside to a service. */
export interface Route {
  /** Unique among the routes of a component: lower-case letters, digits and hyphens. Example: `"sequencers"`. */
  readonly name: string;
  /** Host name that clients dial. Example: `"sequencers.canton.example.com"`. */
  readonly host: string;
  /** Names of the Services that answer; connections or calls are spread over them. Example: `["sequencer1", "sequencer2"]`. */
  readonly services: readonly string[];
  /** Port of the Services. */
  readonly port: number;
  /**
   * Mode `http`: what answers below some paths. All others lead to `services`, or nowhere where there are none. Default: none.
   * Example: `[{ prefix: "/trigger", service: "trigger-service", port: 8088, strip: true }]`.
   */
  readonly paths?: readonly RoutePath[];
  /**
   * `passthrough`: TLS ends at the service, connections stay whole, as sequencers need it; `grpc`, `http`: TLS ends at Traefik,
   * which routes each call. Default: `passthrough`.
   */
  readonly mode?: "passthrough" | "grpc" | "http";
  /** Who may come in, in CIDR notation. Example: `["203.0.113.0/24"]`. */
  readonly allowedRanges: readonly string[];
  /** Where TLS ends at Traefik: Secret with `tls.crt` and `tls.key` for the host. Default: Traefik's own for that host. */
  readonly certificateSecret?: Input<string>;
  /** Where TLS ends at Traefik: Secret with `ca.crt`; clients without a certificate of that authority are refused. Default: anybody. */
  readonly clientCaSecret?: string;
  /** Where TLS ends at Traefik: what the services' own TLS is checked against. Default: they are called in the clear. */
  readonly serviceTls?: {
    /** PEM of the authorities of their certificates. */
    readonly caPem: Input<string>;
    /** Name that their certificates bear. */
    readonly serverName: string;
  };
  /** Where TLS ends at Traefik: calls of one address in a second, on average and at once. Default: 100 and 200. */
  readonly rateLimit?: { readonly average: number; readonly burst: number };
  /** Connections (`passthrough`) or calls of one address at the same time. Default: 100. */
  readonly connections?: number;
  /** Labels of the pods that answer, and their port: a NetworkPolicy lets Traefik through to them. Default: none is made. */
  readonly pods?: { readonly labels: Readonly<Record<string, string>>; readonly port: number };
}

/** A custom resource. */
export interface PlannedObject {
  readonly kind: "IngressRoute" | "IngressRouteTCP" | "Middleware" | "MiddlewareTCP" | "ServersTransport" | "TLSOption";
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What routes come to. */
export interface PlannedRoutes {
  readonly objects: readonly PlannedObject[];
  /** ConfigMaps with the authorities of services, by name. */
  readonly authorities: Readonly<Record<string, Input<string>>>;
}

/** TLS as it is offered, in the words of a `TLSOption`: nothing older than 1.2, and of 1.2 only what is still sound. */
export const soundTls = {
  minVersion: "VersionTLS12",
  cipherSuites: [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  ],
  // Without a name that a route has there is nothing to talk about.
  sniStrict: true,
} as const;

/** A full host name. */
export const hostName =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;
const objectName = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/**
 * Checks routes.
 *
 * @throws Error naming the route and what is wrong with it
 */
export function checkRoutes(routes: readonly Route[]): void {
  if (routes.length === 0) throw new Error("routes: got none; expected at least one");
  const [names, hosts] = [new Set<string>(), new Set<string>()];
  for (const route of routes) {
    const { name, host, services, port, paths = [], mode = "passthrough", connections = 100, rateLimit } = route;
    if (!objectName.test(name)) {
      throw new Error(
        `routes: got the name "${name}"; expected up to 40 lower-case letters, digits and hyphens, a letter first`,
      );
    }
    const wrong = (key: string, text: string) => new Error(`routes: ${name}.${key}: ${text}`);
    if (names.has(name)) throw new Error(`routes: got the name "${name}" a second time; expected each once`);
    names.add(name);
    if (!hostName.test(host)) throw wrong("host", `got "${host}"; expected a host name such as "ledger.example.com"`);
    if (hosts.has(host)) throw wrong("host", `got "${host}" a second time; expected a host name for each route`);
    hosts.add(host);
    if (services.length === 0 && paths.length === 0) throw wrong("services", "got none; expected at least one");
    if (paths.length > 0 && mode !== "http") {
      throw wrong("paths", `Traefik sees none where the mode is "${mode}"; expected the mode "http"`);
    }
    const prefixes = paths.map(({ prefix }) => prefix);
    for (const prefix of prefixes) {
      if (!/^(?:\/[A-Za-z0-9._~-]+)+$/.test(prefix)) {
        throw wrong("paths", `got "${prefix}"; expected the start of a path, such as "/trigger"`);
      }
      if (prefixes.filter((each) => each === prefix).length > 1) {
        throw wrong("paths", `got "${prefix}" a second time; expected each once`);
      }
    }
    for (const service of [...services, ...paths.map((path) => path.service)]) {
      if (!/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(service)) {
        throw wrong("services", `got "${service}"; expected the name of a Service`);
      }
    }
    for (const [key, value, most] of [
      ["port", port, 65_535],
      ...paths.map((path) => ["paths.port", path.port, 65_535] as const),
      ["connections", connections, 1_000_000],
      ["rateLimit.average", rateLimit?.average ?? 1, 1_000_000],
      ["rateLimit.burst", rateLimit?.burst ?? 1, 1_000_000],
    ] as const) {
      if (!Number.isInteger(value) || value < 1 || value > most) {
        throw wrong(key, `got ${value}; expected a whole number from 1 to ${most}`);
      }
    }
    checkRanges(`routes: ${name}.allowedRanges`, route.allowedRanges);
    if (mode !== "passthrough") continue;
    for (const key of ["certificateSecret", "clientCaSecret", "serviceTls", "rateLimit"] as const) {
      if (route[key] !== undefined) {
        throw wrong(
          key,
          `is for TLS that ends at Traefik, but the mode is "passthrough"; expected the mode "grpc" or "http"`,
        );
      }
    }
  }
}

/**
 * The objects of routes, in the order in which they name each other.
 *
 * @param prefix put before names. Example: `"canton-prod"`
 */
export function planRoutes(prefix: string, entryPoint: string, routes: readonly Route[]): PlannedRoutes {
  const authorities = routes.flatMap((route) =>
    route.serviceTls === undefined ? [] : [[`${prefix}-${route.name}-ca`, route.serviceTls.caPem] as const],
  );
  return {
    objects: routes.flatMap((route) => {
      const name = `${prefix}-${route.name}`;
      return (route.mode ?? "passthrough") === "passthrough"
        ? planPassthrough(name, entryPoint, route)
        : planCalls(name, entryPoint, route);
    }),
    authorities: Object.fromEntries(authorities),
  };
}

function planPassthrough(name: string, entryPoint: string, route: Route): PlannedObject[] {
  const { host, services, port, allowedRanges, connections = 100 } = route;
  const middleware = (part: string, spec: Record<string, unknown>): PlannedObject => ({
    kind: "MiddlewareTCP",
    name: `${name}-${part}`,
    spec,
  });
  const middlewares = [
    middleware("allow", { ipAllowList: { sourceRange: [...allowedRanges] } }),
    middleware("connections", { inFlightConn: { amount: connections } }),
  ];
  return [
    ...middlewares,
    {
      kind: "IngressRouteTCP",
      name,
      spec: {
        entryPoints: [entryPoint],
        routes: [
          {
            match: `HostSNI(\`${host}\`)`,
            middlewares: middlewares.map((each) => ({ name: each.name })),
            services: services.map((service) => ({ name: service, port })),
          },
        ],
        tls: { passthrough: true },
      },
    },
  ];
}

function planCalls(name: string, entryPoint: string, route: Route): PlannedObject[] {
  const { host, services, port, paths = [], allowedRanges, serviceTls, clientCaSecret, connections = 100 } = route;
  const { average, burst } = route.rateLimit ?? { average: 100, burst: 200 };
  const middleware = (part: string, spec: Record<string, unknown>): PlannedObject => ({
    kind: "Middleware",
    name: `${name}-${part}`,
    spec,
  });
  const middlewares = [
    middleware("allow", { ipAllowList: { sourceRange: [...allowedRanges] } }),
    middleware("rate", { rateLimit: { average, burst, period: "1s" } }),
    middleware("calls", { inFlightReq: { amount: connections } }),
  ];
  const tls: PlannedObject = {
    kind: "TLSOption",
    name: `${name}-tls`,
    spec: {
      ...soundTls,
      alpnProtocols: route.mode === "grpc" ? ["h2"] : ["h2", "http/1.1"],
      ...(clientCaSecret !== undefined && {
        clientAuth: { secretNames: [clientCaSecret], clientAuthType: "RequireAndVerifyClientCert" },
      }),
    },
  };
  const transport: PlannedObject = {
    kind: "ServersTransport",
    name: `${name}-service`,
    spec: { serverName: serviceTls?.serverName, rootCAs: [{ configMap: `${name}-ca` }] },
  };
  const stripped = paths.flatMap(({ prefix, strip }) => (strip ? [prefix] : []));
  const strip = middleware("strip", { stripPrefix: { prefixes: stripped } });
  const scheme = serviceTls === undefined ? (route.mode === "grpc" ? "h2c" : "http") : "https";
  const rule = (
    match: string,
    through: readonly PlannedObject[],
    answering: readonly string[],
    number: number,
  ): Record<string, unknown> => ({
    kind: "Rule",
    match,
    middlewares: through.map((each) => ({ name: each.name })),
    services: answering.map((service) => ({
      name: service,
      port: number,
      scheme,
      ...(serviceTls !== undefined && { serversTransport: transport.name }),
    })),
  });
  return [
    ...middlewares,
    ...(stripped.length === 0 ? [] : [strip]),
    tls,
    ...(serviceTls === undefined ? [] : [transport]),
    {
      kind: "IngressRoute",
      name,
      spec: {
        entryPoints: [entryPoint],
        routes: [
          ...(services.length === 0 ? [] : [rule(`Host(\`${host}\`)`, middlewares, services, port)]),
          ...paths.map((path) =>
            rule(
              `Host(\`${host}\`) && PathPrefix(\`${path.prefix}/\`)`,
              path.strip ? [...middlewares, strip] : middlewares,
              [path.service],
              path.port,
            ),
          ),
        ],
        tls: {
          options: { name: tls.name },
          ...(route.certificateSecret !== undefined && { secretName: route.certificateSecret }),
        },
      },
    },
  ];
}
