/** Where an API server has its objects. */
import type { ApiClient } from "./api-client.ts";

/** A Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** How objects of a kind are addressed. */
interface ResourceOfKind {
  readonly plural: string;
  readonly namespaced: boolean;
}

/** What an object is called. Example: `"apps/v1 Deployment canton/alice"` */
export function labelOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  return `${apiVersion} ${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}

/** The paths of objects, which the server is asked for once for each `apiVersion`. */
export class ObjectPaths {
  readonly #server: ApiClient;
  /** By `apiVersion`, then kind. */
  readonly #resources = new Map<string, Map<string, ResourceOfKind>>();

  constructor(server: ApiClient) {
    this.#server = server;
  }

  /** The path of an object. @returns or why there is none */
  async of({ apiVersion, kind, metadata }: KubernetesObject): Promise<string | { readonly why: string }> {
    const group = pathOf(apiVersion);
    const resource = (await this.#resourcesOf(apiVersion)).get(kind);
    if (resource === undefined) return { why: `the server knows no ${kind} in ${apiVersion}` };
    const name = encodeURIComponent(metadata.name);
    if (!resource.namespaced) {
      return metadata.namespace === undefined
        ? `${group}/${resource.plural}/${name}`
        : { why: `got the namespace "${metadata.namespace}"; a ${kind} is in none` };
    }
    return `${group}/namespaces/${encodeURIComponent(metadata.namespace ?? "default")}/${resource.plural}/${name}`;
  }

  /** Whether the server serves a kind by now. */
  async serves(apiVersion: string, kind: string): Promise<boolean> {
    return (await this.#listed(apiVersion)).has(kind);
  }

  /** Forgets what was asked for: there are new kinds. */
  forget(): void {
    this.#resources.clear();
  }

  async #resourcesOf(apiVersion: string): Promise<Map<string, ResourceOfKind>> {
    const known = this.#resources.get(apiVersion);
    if (known !== undefined) return known;
    const resources = await this.#listed(apiVersion);
    this.#resources.set(apiVersion, resources);
    return resources;
  }

  async #listed(apiVersion: string): Promise<Map<string, ResourceOfKind>> {
    const { body } = await this.#server.ask(pathOf(apiVersion));
    const listed: { name: string; kind: string; namespaced: boolean }[] = body.resources ?? [];
    return new Map(
      listed
        .filter(({ name }) => !name.includes("/"))
        .map(({ name, kind, namespaced }) => [kind, { plural: name, namespaced }] as const),
    );
  }
}

function pathOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
