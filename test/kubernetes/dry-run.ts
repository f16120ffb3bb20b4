/** Whether a real API server would take objects. */
import type { ApiServer } from "./api-server.ts";
import { type KubernetesObject, labelOf, ObjectPaths } from "./object-paths.ts";

/** An object that the server does not take, or only with a warning. */
export interface Refusal {
  /** `apiVersion Kind namespace/name` */
  readonly object: string;
  readonly reason: string;
}

const manager = "pulumi-canton-tests";
/** Label of a namespace: the level of pod security that is enforced for its pods. */
const enforced = "pod-security.kubernetes.io/enforce";
/** Label of a namespace: of pods beyond this level the server warns already when what makes them is applied. */
const warned = "pod-security.kubernetes.io/warn";

/** Applies objects to an API server without keeping them. */
export class DryRun {
  readonly #server: ApiServer;
  readonly #paths: ObjectPaths;
  /** Level of pod security by namespace. */
  readonly #namespaces = new Map<string, string>();
  /** Those that the server does not know yet. */
  readonly #definitions: Set<KubernetesObject>;

  /** @param definitions of custom resources, which the server is told when there are objects of theirs */
  constructor(server: ApiServer, definitions: readonly KubernetesObject[]) {
    this.#server = server;
    this.#paths = new ObjectPaths(server);
    this.#definitions = new Set(definitions);
  }

  /**
   * Applies objects in a dry run of the server's: all of its validation, defaulting and admission takes place, unknown and
   * repeated fields are refused, and nothing is kept. The namespaces that they are in are made, for good; pods have to keep to the
   * level of security that a Namespace among the objects enforces, and otherwise to the strictest.
   *
   * @returns those that are refused or warned of, in the order of `objects`; a kind that the server does not know is a refusal
   */
  async apply(objects: readonly KubernetesObject[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    await this.#define(objects);
    for (const [namespace, level] of namespacesOf(objects)) await this.#makeNamespace(namespace, level);
    for (const object of objects) {
      const refuse = (reason: string) => refusals.push({ object: labelOf(object), reason });
      const path = await this.#paths.of(object);
      if (typeof path !== "string") {
        refuse(path.why);
        continue;
      }
      const query = `fieldManager=${manager}&dryRun=All&fieldValidation=Strict&force=true`;
      const answer = await this.#server.ask(`${path}?${query}`, {
        method: "PATCH",
        contentType: "application/apply-patch+yaml",
        body: object,
      });
      if (answer.status >= 300) refuse(String(answer.body.message ?? answer.body));
      for (const warning of answer.warnings) refuse(`warning: ${warning}`);
    }
    return refusals;
  }

  async #define(objects: readonly KubernetesObject[]): Promise<void> {
    const needed = [...this.#definitions].filter((definition) => objects.some((object) => defines(definition, object)));
    if (needed.length === 0) return;
    await Promise.all(needed.map((definition) => this.#create(definition)));
    await Promise.all(needed.map((definition) => this.#untilServed(definition)));
    for (const definition of needed) this.#definitions.delete(definition);
    this.#paths.forget();
  }

  async #makeNamespace(name: string, level: string): Promise<void> {
    if (this.#namespaces.get(name) === level) return;
    await this.#create({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { [warned]: level } } });
    this.#namespaces.set(name, level);
  }

  async #create(object: KubernetesObject): Promise<void> {
    const path = await this.#paths.of(object);
    if (typeof path !== "string") throw new Error(`${labelOf(object)}: ${path.why}`);
    const answer = await this.#server.ask(`${path}?fieldManager=${manager}&force=true`, {
      method: "PATCH",
      contentType: "application/apply-patch+yaml",
      body: object,
    });
    if (answer.status >= 300) throw new Error(`${labelOf(object)}: ${answer.body.message ?? answer.body}`);
  }

  /** A definition is established a moment before the server lists its kind. */
  async #untilServed(definition: KubernetesObject): Promise<void> {
    const { group, names, versions } = definition["spec"] as Definition;
    const deadline = Date.now() + 60_000;
    for (const { name, served } of versions) {
      const apiVersion = `${group}/${name}`;
      while (served && !(await this.#paths.serves(apiVersion, names.kind))) {
        if (Date.now() > deadline) throw new Error(`${labelOf(definition)} is not served in ${apiVersion}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** The spec of a `CustomResourceDefinition`. */
interface Definition {
  readonly group: string;
  readonly names: { readonly kind: string };
  readonly versions: readonly { readonly name: string; readonly served: boolean }[];
}

function defines(definition: KubernetesObject, { apiVersion, kind }: KubernetesObject): boolean {
  const { group, names } = definition["spec"] as Definition;
  return names.kind === kind && apiVersion.startsWith(`${group}/`);
}

/** Namespaces that objects are in, and the level of pod security that each enforces. */
function namespacesOf(objects: readonly KubernetesObject[]): Map<string, string> {
  const levels = objects
    .filter(({ kind }) => kind === "Namespace")
    .map(
      ({ metadata }) =>
        [metadata.name, (metadata["labels"] as Record<string, string> | undefined)?.[enforced]] as const,
    );
  const given = new Map(levels);
  return new Map(
    objects.flatMap(({ metadata: { namespace } }) =>
      namespace === undefined ? [] : [[namespace, given.get(namespace) ?? "restricted"] as const],
    ),
  );
}
