import fc from "fast-check";
import { expect, test } from "vitest";
import { checkRoutes, type PlannedObject, planRoutes, type Route, type RoutePath } from "./route.ts";

const route: Route = {
  name: "sequencers",
  host: "sequencers.example.com",
  services: ["sequencer1", "sequencer2"],
  port: 5001,
  allowedRanges: ["203.0.113.0/24"],
};

const path: RoutePath = { prefix: "/auth", service: "middleware", port: 3000, strip: true };

test.each<[Partial<Route>, RegExp]>([
  [{ name: "Bad Name" }, /^routes: got the name "Bad Name"/],
  [{ host: "no-dot" }, /^routes: sequencers.host: got "no-dot"; expected a host name/],
  [{ host: "a.example.com`) || HostSNI(`*" }, /^routes: sequencers.host: got/],
  [{ services: [] }, /^routes: sequencers.services: got none/],
  [{ services: ["Not A Service"] }, /^routes: sequencers.services: got "Not A Service"/],
  [{ port: 70_000 }, /^routes: sequencers.port: got 70000; expected a whole number from 1 to 65535/],
  [{ allowedRanges: [] }, /^routes: sequencers.allowedRanges: got none/],
  [{ allowedRanges: ["everybody"] }, /^routes: sequencers.allowedRanges: got "everybody"/],
  [{ connections: 0 }, /^routes: sequencers.connections: got 0/],
  [
    { clientCaSecret: "clients" },
    /^routes: sequencers.clientCaSecret: is for TLS that ends at Traefik, but the mode is "passthrough"/,
  ],
  [{ rateLimit: { average: 1, burst: 1 } }, /^routes: sequencers.rateLimit: is for TLS that ends at Traefik/],
  [{ mode: "grpc", rateLimit: { average: 0, burst: 1 } }, /^routes: sequencers.rateLimit.average: got 0/],
  [{ paths: [path] }, /^routes: sequencers.paths: Traefik sees none where the mode is "passthrough"/],
  [{ mode: "http", paths: [path, path] }, /^routes: sequencers.paths: got "\/auth" a second time/],
  [{ mode: "http", paths: [{ ...path, prefix: "/a`) || Path(`/" }] }, /^routes: sequencers.paths: got "\/a`/],
  [{ mode: "http", paths: [{ ...path, port: 0 }] }, /^routes: sequencers.paths.port: got 0/],
  [{ mode: "http", paths: [{ ...path, service: "A B" }] }, /^routes: sequencers.services: got "A B"/],
])("refuses %j", (change, reason) => {
  expect(() => checkRoutes([{ ...route, ...change }])).toThrow(reason);
});

test("refuses a name or a host twice, and no routes at all", () => {
  expect(() => checkRoutes([])).toThrow(/^routes: got none/);
  expect(() => checkRoutes([route, { ...route, host: "b.example.com" }])).toThrow(
    /the name "sequencers" a second time/,
  );
  expect(() => checkRoutes([route, { ...route, name: "other" }])).toThrow(
    /other.host: got "sequencers.example.com" a second time/,
  );
});

test("a passthrough keeps connections whole: Traefik only looks at the name", () => {
  const { objects } = planRoutes("canton", "websecure", [route]);
  expect(objects.map(({ kind, name }) => [kind, name])).toEqual([
    ["MiddlewareTCP", "canton-sequencers-allow"],
    ["MiddlewareTCP", "canton-sequencers-connections"],
    ["IngressRouteTCP", "canton-sequencers"],
  ]);
  expect(objects[2]?.spec).toEqual({
    entryPoints: ["websecure"],
    routes: [
      {
        match: "HostSNI(`sequencers.example.com`)",
        middlewares: [{ name: "canton-sequencers-allow" }, { name: "canton-sequencers-connections" }],
        services: [
          { name: "sequencer1", port: 5001 },
          { name: "sequencer2", port: 5001 },
        ],
      },
    ],
    tls: { passthrough: true },
  });
});

test("gRPC is called with HTTP/2, in the clear or with TLS that is checked", () => {
  const scheme = (change: Partial<Route>) => {
    const { objects, authorities } = planRoutes("c", "websecure", [{ ...route, name: "r", ...change }]);
    const spec = objects.at(-1)?.spec as { routes: { services: Record<string, unknown>[] }[] };
    const { scheme: used, serversTransport } = spec.routes[0]?.services[0] ?? {};
    return { used, serversTransport, authorities: Object.keys(authorities) };
  };
  const serviceTls = { caPem: "PEM", serverName: "ledger" };
  expect(scheme({ mode: "grpc" })).toEqual({ used: "h2c", serversTransport: undefined, authorities: [] });
  expect(scheme({ mode: "http" })).toEqual({ used: "http", serversTransport: undefined, authorities: [] });
  expect(scheme({ mode: "grpc", serviceTls })).toEqual({
    used: "https",
    serversTransport: "c-r-service",
    authorities: ["c-r-ca"],
  });
});

test("paths of a host lead to their services behind the same limits, with one TLS for all", () => {
  const paths = [{ prefix: "/v1", service: "json-api", port: 7575 }, path];
  const planned = (services: readonly string[]) => {
    const given: Route = { ...route, name: "app", mode: "http", services, paths, certificateSecret: "app-tls" };
    checkRoutes([given]);
    return planRoutes("c", "websecure", [given]).objects;
  };
  const objects = planned([]);
  expect(objects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "Middleware c-app-allow",
    "Middleware c-app-rate",
    "Middleware c-app-calls",
    "Middleware c-app-strip",
    "TLSOption c-app-tls",
    "IngressRoute c-app",
  ]);
  expect(objects[3]?.spec).toEqual({ stripPrefix: { prefixes: ["/auth"] } });
  const limits = ["allow", "rate", "calls"].map((part) => ({ name: `c-app-${part}` }));
  const rules = [
    {
      kind: "Rule",
      match: "Host(`sequencers.example.com`) && PathPrefix(`/v1/`)",
      middlewares: limits,
      services: [{ name: "json-api", port: 7575, scheme: "http" }],
    },
    {
      kind: "Rule",
      match: "Host(`sequencers.example.com`) && PathPrefix(`/auth/`)",
      middlewares: [...limits, { name: "c-app-strip" }],
      services: [{ name: "middleware", port: 3000, scheme: "http" }],
    },
  ];
  expect(objects.at(-1)?.spec).toMatchObject({ routes: rules, tls: { secretName: "app-tls" } });
  const [first, ...others] = (planned(["site"]).at(-1)?.spec as { routes: { match: string }[] }).routes;
  expect(first).toMatchObject({ match: "Host(`sequencers.example.com`)", services: [{ name: "site", port: 5001 }] });
  expect(others).toEqual(rules);
});

test("every route has its allow-list and a limit, its TLS is sound, and all that it names is there", () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/);
  const one = fc.record({
    name: label,
    host: fc.tuple(label, label).map(([host, domain]) => `${host}.${domain}.com`),
    services: fc.uniqueArray(label, { minLength: 1, maxLength: 4 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    mode: fc.constantFrom("passthrough", "grpc", "http"),
    secured: fc.boolean(),
  });
  const distinct = { minLength: 1, maxLength: 6, selector: ({ name }: { name: string }) => name };
  fc.assert(
    fc.property(fc.uniqueArray(one, distinct), (drawn) => {
      const routes = drawn.map(
        ({ secured, mode, host, ...each }): Route => ({
          ...route,
          ...each,
          mode: mode as "passthrough",
          host: `${each.name}.${host}`,
          ...(secured &&
            mode !== "passthrough" && { serviceTls: { caPem: "PEM", serverName: "s" }, clientCaSecret: "clients" }),
        }),
      );
      checkRoutes(routes);
      const { objects, authorities } = planRoutes("p", "websecure", routes);
      const names = objects.map(({ kind, name }) => `${kind} ${name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const planned of objects.filter(({ kind }) => kind.startsWith("IngressRoute"))) {
        const used = middlewaresOf(planned, objects);
        expect(used.map(({ spec }) => Object.keys(spec)[0])).toContain("ipAllowList");
        expect(used.some(({ spec }) => "inFlightConn" in spec || "inFlightReq" in spec)).toBe(true);
        const { tls } = planned.spec as { tls: { passthrough?: true; options?: { name: string } } };
        if (tls.passthrough) continue;
        const option = objects.find(({ kind, name }) => kind === "TLSOption" && name === tls.options?.name);
        expect(option?.spec).toMatchObject({ minVersion: "VersionTLS12", sniStrict: true });
      }
      for (const { spec } of objects.filter(({ kind }) => kind === "ServersTransport")) {
        const [{ configMap }] = spec["rootCAs"] as [{ configMap: string }];
        expect(authorities[configMap]).toBe("PEM");
      }
    }),
  );
});

/** The middlewares that a route names; fails when one is missing. */
function middlewaresOf({ kind, spec }: PlannedObject, objects: readonly PlannedObject[]): PlannedObject[] {
  const [{ middlewares }] = spec["routes"] as [{ middlewares: { name: string }[] }];
  return middlewares.map(({ name }) => {
    const wanted = kind === "IngressRouteTCP" ? "MiddlewareTCP" : "Middleware";
    const found = objects.find((each) => each.kind === wanted && each.name === name);
    if (found === undefined) throw new Error(`${wanted} ${name} is named, but not made`);
    return found;
  });
}
