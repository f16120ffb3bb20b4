/** All resources that a program asks for under mocks, as a policy of the engine sees them. */
import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import type { CantonPolicy } from "../policy.ts";
import { unknownCheckingProxy } from "./unknown-proxy.ts";

/** Waits until nothing is under way; the SDK has it, its types do not. */
const { waitForRPCs } = settings as unknown as { waitForRPCs(): Promise<void> };

/** What a policy says of a stack: `policy: type name: message`, each once. */
export async function askedOfStack(
  policies: readonly CantonPolicy[],
  resources: readonly PolicyResource[],
  config: Readonly<Record<string, unknown>>,
): Promise<string[]> {
  const told = new Set<string>();
  const getConfig = <T>() => config as T;
  const notApplicable = (): never => {
    throw new Error("not applicable");
  };
  const stackTags = new Map<string, string>();
  for (const policy of policies) {
    for (const resource of resources) {
      const validate = policy.validateResource;
      if (typeof validate !== "function") continue;
      const tell = (message: string) => told.add(`${policy.name}: ${resource.type} ${resource.name}: ${message}`);
      await validate({ ...resource, stackTags, getConfig, notApplicable } as ResourceValidationArgs, tell);
    }
    await policy.validateStack?.(
      { resources: [...resources], stackTags, getConfig, notApplicable },
      (message, urn = "") => {
        const [type = "", name = ""] = [urn.split("::")[2]?.split("$").at(-1), urn.split("::").at(-1)];
        told.add(`${policy.name}: ${type} ${name}: ${message}`);
      },
    );
  }
  return [...told].toSorted();
}

/**
 * Writes down what is asked for from now on; the mocks are those that are set already.
 *
 * @returns what gives back all of it, once nothing is under way any more
 */
export function recordForPolicies(): () => Promise<PolicyResource[]> {
  const recorded: { resource: PolicyResource; parent: string; provider: string; dependencies: [string, string[]][] }[] =
    [];
  const monitor = settings.getMonitor() as any;
  const register = monitor.registerResource.bind(monitor);
  const finish = monitor.registerResourceOutputs.bind(monitor);
  const outputs = new Map<string, unknown>();
  monitor.registerResource = (request: any, callback: (error: unknown, response: any) => void) => {
    const type: string = request.getType();
    const name: string = request.getName();
    const parent: string = request.getParent();
    const dependencies = (
      request.getPropertydependenciesMap().toArray() as [string, { getUrnsList?(): string[] }][]
    ).map(([property]): [string, string[]] => [
      property,
      request.getPropertydependenciesMap().get(property).getUrnsList(),
    ]);
    const props = plain(request.getObject().toJavaScript()) as Record<string, unknown>;
    return register(request, (error: unknown, response: any) => {
      const urn: string = response?.getUrn() ?? "";
      recorded.push({
        resource: {
          type,
          name,
          urn,
          props,
          opts: {
            protect: request.getProtect(),
            ignoreChanges: [],
            aliases: [],
            customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
            additionalSecretOutputs: [],
          },
          dependencies: [],
          propertyDependencies: {},
          isType: () => false,
          asType: () => undefined,
        },
        parent,
        // A reference is the URN and the id.
        provider: request.getProvider().replace(/::[^:]*$/, ""),
        dependencies,
      });
      callback(error, response);
    });
  };
  monitor.registerResourceOutputs = (request: any, callback: unknown) => {
    outputs.set(request.getUrn(), plain(request.getOutputs().toJavaScript()));
    return finish(request, callback);
  };
  return async () => {
    await waitForRPCs();
    const byUrn = new Map(recorded.map(({ resource }) => [resource.urn, resource]));
    for (const { resource, parent, provider, dependencies } of recorded) {
      const [own, by] = [byUrn.get(parent), byUrn.get(provider)];
      if (own !== undefined) resource.parent = own;
      if (by !== undefined) resource.provider = by;
      for (const [property, urns] of dependencies) {
        resource.propertyDependencies[property] = urns.flatMap((urn) => byUrn.get(urn) ?? []);
      }
      const given = outputs.get(resource.urn) as Record<string, unknown> | undefined;
      resource.props = unknownCheckingProxy({ ...resource.props, ...given }) as Record<string, unknown>;
    }
    return [...byUrn.values()];
  };
}

/** Without the wrapping of secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("4dabf18193072939515e22adb298388d" in value) return plain((value as { value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
