/** What a preview says, read from the engine's event log. Pure. */
import { isDeepStrictEqual } from "node:util";
import { namesSecret } from "@pulumi-canton/policies/workloads/secret-values.ts";

/** Properties of a resource as the engine writes them: secrets masked, and what is not known yet as one fixed text. */
export type Properties = Readonly<Record<string, unknown>>;

/** What is to become of a resource. */
export type Fate = "create" | "update" | "replace" | "delete" | "same";

/** A resource of the stack, before and after. */
export interface PlannedResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** URN of the resource that it belongs to. */
  readonly parent: string | undefined;
  readonly fate: Fate;
  /** Inputs as they are; absent for a new one. */
  readonly before: Properties | undefined;
  /** Inputs as they will be; absent for one that goes. */
  readonly after: Properties | undefined;
  /** Inputs that change, as far as that is known. */
  readonly changed: readonly string[];
  /** The inputs whose change needs a replacement. */
  readonly replacedBy: readonly string[];
}

/** Something that is not as the last update left it. */
export interface Drift {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** It is not there any more. */
  readonly gone: boolean;
  /** What is found to be different: input, what the last update left, what was found. */
  readonly changes: readonly { readonly property: string; readonly was: unknown; readonly is: unknown }[];
}

/** A policy that a resource violates. */
export interface Violation {
  readonly policy: string;
  readonly level: "advisory" | "mandatory";
  readonly severity: string | undefined;
  /** What the policy asks for. */
  readonly description: string;
  /** What is wrong with this resource, and what is expected. */
  readonly message: string;
  readonly type: string;
  readonly name: string;
}

/** All of it. */
export interface PreviewEvents {
  /** Resources in the order of the plan, without the engine's own for stack and providers. */
  readonly resources: readonly PlannedResource[];
  readonly drift: readonly Drift[];
  readonly violations: readonly Violation[];
  /** Names of the policies that were asked. */
  readonly policies: readonly string[];
  /** Errors that the engine told, without those that only say that policies were violated. */
  readonly errors: readonly string[];
  /** Whether the preview got to its end. */
  readonly finished: boolean;
}

/** How the engine writes a value that is not known yet. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value is not known yet, as a whole. */
export function isUnknown(value: unknown): boolean {
  return value === unknownText;
}

const secretKey = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";

/** Whether a value is a secret. The log only has `[secret]` in its place. */
export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as Properties)[secretKey] === secretMark;
}

interface State {
  readonly parent?: string;
  readonly inputs?: Properties;
}

interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: State | null;
  readonly new?: State | null;
  readonly keys?: readonly string[];
}

interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Step };
  readonly resOutputsEvent?: { readonly metadata: Step };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly enforcementLevel: string;
    readonly severity?: string;
  };
  readonly policyAnalyzeSummaryEvent?: PolicyNames;
  readonly policyAnalyzeStackSummaryEvent?: PolicyNames;
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string; readonly urn?: string };
  readonly summaryEvent?: unknown;
}

interface PolicyNames {
  readonly passed?: readonly string[];
  readonly failed?: readonly string[];
}

const fates: Readonly<Record<string, Fate>> = {
  create: "create",
  import: "create",
  update: "update",
  delete: "delete",
  same: "same",
  read: "same",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "replace",
  "import-replacement": "replace",
};

/** Reads an event log: a JSON object a line, the last of which may be cut off when the engine was killed. */
export function readEvents(log: string): PreviewEvents {
  const events = log.split("\n").flatMap(parsed);
  const errors = events.flatMap(({ diagnosticEvent }) =>
    diagnosticEvent?.severity === "error" ? [withoutColours(diagnosticEvent.message).trim()] : [],
  );
  const violations = events.flatMap(({ policyEvent }) => (policyEvent === undefined ? [] : [violationOf(policyEvent)]));
  return {
    resources: resourcesIn(events.flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? [])),
    drift: events.flatMap(({ resOutputsEvent }) => driftOf(resOutputsEvent?.metadata)),
    violations: unique(violations),
    policies: unique(
      events
        .flatMap((event) => event.policyAnalyzeSummaryEvent ?? event.policyAnalyzeStackSummaryEvent ?? [])
        .flatMap(({ passed = [], failed = [] }) => [...passed, ...failed]),
    ).toSorted(),
    errors: unique(errors).filter((message) => message !== "preview failed" && message !== ""),
    finished: events.some(({ summaryEvent }) => summaryEvent !== undefined),
  };
}

/** The name in a URN. */
export function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

/** The type in a URN, without those of the resources that it belongs to. */
export function typeIn(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function parsed(line: string): EngineEvent[] {
  if (line.trim() === "") return [];
  try {
    return [JSON.parse(line) as EngineEvent];
  } catch {
    return [];
  }
}

/** A replacement is several steps, all of one URN. */
function resourcesIn(steps: readonly Step[]): PlannedResource[] {
  const byUrn = Map.groupBy(
    steps.filter(({ op, type }) => fates[op] !== undefined && !isEngines(type)),
    ({ urn }) => urn,
  );
  return [...byUrn.values()].map((own) => {
    const [first] = own as [Step, ...Step[]];
    const full = own.find((step) => step.old && step.new) ?? own.find((step) => step.new) ?? first;
    const before = full.old?.inputs;
    const after = full.new?.inputs;
    return {
      urn: first.urn,
      type: first.type,
      name: nameIn(first.urn),
      parent: (full.new ?? full.old)?.parent || undefined,
      fate: fateOf(own),
      before: before && ownInputs(before),
      after: after && ownInputs(after),
      changed: before && after ? changedKeys(before, after) : [],
      replacedBy: unique(own.flatMap(({ keys }) => keys ?? [])),
    };
  });
}

function fateOf(steps: readonly Step[]): Fate {
  const all = steps.map(({ op }) => fates[op] as Fate);
  if (all.includes("replace") || (all.includes("create") && all.includes("delete"))) return "replace";
  // A deletion beside anything else is of what an update before has left.
  return all.find((fate) => fate !== "delete") ?? "delete";
}

function driftOf(step: Step | undefined): Drift[] {
  if (step?.op !== "refresh" || isEngines(step.type) || !step.old) return [];
  const { urn, type } = step;
  const found = step.new;
  if (!found) return [{ urn, type, name: nameIn(urn), gone: true, changes: [] }];
  const was = ownInputs(step.old.inputs ?? {});
  const is = ownInputs(found.inputs ?? {});
  const changes = changedKeys(was, is).map((property) => ({
    property,
    was: withoutSecrets(was[property], property),
    is: withoutSecrets(is[property], property),
  }));
  return changes.length === 0 ? [] : [{ urn, type, name: nameIn(urn), gone: false, changes }];
}

/** The engine masks what it knows as a secret; what only is called one is not shown either. */
function withoutSecrets(value: unknown, name: string): unknown {
  if (isSecret(value) || (value !== undefined && namesSecret(name))) return "[secret]";
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => withoutSecrets(element, ""));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]));
}

/** The engine's own resources: the stack itself, and providers. */
function isEngines(type: string): boolean {
  return type.startsWith("pulumi:");
}

/** Without what the engine keeps there for itself, such as the text of dynamic providers. */
function ownInputs(inputs: Properties): Properties {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
}

function changedKeys(before: Properties, after: Properties): string[] {
  return unique([...Object.keys(before), ...Object.keys(after)])
    .filter((key) => !key.startsWith("__"))
    .filter((key) => !sameOrUnknown(before[key], after[key]));
}

/** What is not known yet does not count as a change. */
function sameOrUnknown(before: unknown, after: unknown): boolean {
  if (isUnknown(after)) return true;
  if (typeof before === "object" && typeof after === "object" && before !== null && after !== null) {
    const keys = unique([...Object.keys(before), ...Object.keys(after)]);
    return keys.every((key) => sameOrUnknown((before as Properties)[key], (after as Properties)[key]));
  }
  return isDeepStrictEqual(before, after);
}

function violationOf(event: NonNullable<EngineEvent["policyEvent"]>): Violation {
  const [description = "", ...message] = withoutColours(event.message).trim().split("\n");
  const urn = event.resourceUrn ?? "";
  return {
    policy: event.policyName,
    level: event.enforcementLevel === "mandatory" ? "mandatory" : "advisory",
    severity: event.severity,
    description,
    message: message.join("\n").trim(),
    type: typeIn(urn),
    name: nameIn(urn),
  };
}

/** The engine's own marks for colours, `<{%reset%}>`. */
function withoutColours(text: string): string {
  return text.replace(/<\{%[^%]*%\}>/g, "");
}

function unique<T>(values: readonly T[]): T[] {
  return values.filter((value, index) => values.findIndex((other) => isDeepStrictEqual(other, value)) === index);
}
