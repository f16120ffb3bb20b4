/** A policy of the pack: what it asks of which types, told once, for the engine to ask about every resource. */
import type {
  PolicyConfigSchema,
  PolicyResource,
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import { at, isSection, type Properties, plain, show, unknown } from "./properties.ts";

/** How much a deployment has to withstand. */
export const environments = ["dev", "staging", "production"] as const;
/** One of {@link environments}. */
export type Environment = (typeof environments)[number];

/** Lets resources off a policy. */
export interface Exemption {
  /** Name of the resource; `*` stands for any text. */
  readonly resource: string;
  /** Why, for those who read it later. */
  readonly reason: string;
  /** The last day on which it holds, as `2026-12-31`. Default: it holds for good. */
  readonly until?: string;
}

/** Configuration that every policy takes. */
export interface CommonConfig {
  /** Default: `production`, so that a pack that was told nothing is strict. */
  readonly environment: Environment;
  readonly exemptions: readonly Exemption[];
}

/** A resource as rules see it. */
export interface Checked {
  readonly type: string;
  readonly name: string;
  /** Its inputs. */
  readonly props: Properties;
  /** Whether it is protected from being deleted. */
  readonly protect: boolean;
  /** Inputs of its provider; empty for the default one. */
  readonly provider: Properties;
}

/** Says what is wrong with a resource, a sentence each: what it is, what it has to be. */
export type Rule<Config = CommonConfig> = (resource: Checked, config: Config) => readonly string[];

/** Something wrong that only shows among all resources of a stack. */
export interface Finding {
  readonly urn: string;
  readonly message: string;
}

/** A policy before it is made known to the engine. */
export interface PolicySpec<Config> {
  /** Example: `encryption-at-rest`. */
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  /** In which environments it says anything. */
  readonly appliesIn: "every environment" | "production";
  /** Rules by the type that they are about; those of `*` are asked about every resource. */
  readonly rules?: Readonly<Record<string, readonly Rule<CommonConfig & Config>[]>>;
  /** Asked once, of all resources that are there after the update. */
  readonly stack?: (resources: readonly StackResource[], config: CommonConfig & Config) => readonly Finding[];
  /** Its own configuration: a schema with a default for each key. */
  readonly config?: PolicyConfigSchema["properties"];
}

/** A resource of a stack, for rules about several. */
export interface StackResource extends Checked {
  readonly urn: string;
  readonly parent: string | undefined;
  /** URNs of the resources that a property takes its value from. */
  readonly takenFrom: (property: string) => readonly string[];
}

/** A policy of the pack. */
export interface CantonPolicy extends ResourceValidationPolicy, Partial<Pick<StackValidationPolicy, "validateStack">> {
  readonly name: string;
  /** The types that it has rules for. */
  readonly types: readonly string[];
}

const commonConfig: PolicyConfigSchema["properties"] = {
  environment: {
    type: "string",
    enum: [...environments],
    default: "production",
    description: "How much the deployment has to withstand.",
  },
  exemptions: {
    type: "array",
    default: [],
    description: "Resources that are let off, with the reason.",
    items: {
      type: "object",
      required: ["resource", "reason"],
      additionalProperties: false,
      properties: {
        resource: { type: "string", description: "Name of the resource; * stands for any text." },
        reason: { type: "string", minLength: 1 },
        until: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "The last day on which it holds." },
      },
    },
  },
};

/** Makes a policy. `Config` is what it takes besides {@link CommonConfig}; every key of it has a default in the schema. */
export function policy<Config extends object = object>(spec: PolicySpec<Config>): CantonPolicy {
  const { name, description, severity, rules = {}, stack } = spec;
  const properties = { ...commonConfig, ...spec.config };
  const defaults = Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, schema.default]));
  const configOf = (given: object) => ({ ...defaults, ...given }) as unknown as CommonConfig & Config;
  const silent = (config: CommonConfig) => spec.appliesIn === "production" && config.environment !== "production";
  return {
    name,
    description,
    severity,
    configSchema: { properties },
    types: Object.keys(rules).filter((type) => type !== "*"),
    validateResource: (args, report) => {
      const config = configOf(args.getConfig());
      const asked = [...(rules[args.type] ?? []), ...(rules["*"] ?? [])];
      if (asked.length === 0 || silent(config)) return;
      const resource = checked(args);
      const messages = asked.flatMap((rule) => rule(resource, config));
      tell(
        messages.map((message) => ({ message })),
        resource.name,
        config,
        report,
      );
    },
    ...(stack && {
      validateStack: (args, report) => {
        const config = configOf(args.getConfig());
        if (silent(config)) return;
        const resources = args.resources.map(stackResource);
        const findings = Map.groupBy(stack(resources, config), ({ urn }) => urn);
        for (const [urn, messages] of findings) {
          tell(messages, resources.find((resource) => resource.urn === urn)?.name ?? urn, config, report);
        }
      },
    }),
  };
}

/** Asks that the value at a path is good. A value that a preview does not know yet is: something gives it. */
export function must<Config = CommonConfig>(
  path: string,
  expected: string,
  good: (value: unknown) => boolean,
  unless: (props: Properties) => boolean = () => false,
): Rule<Config> {
  return ({ props }) => wants(props, path, expected, good, unless(props));
}

/** As {@link must}, for a section at hand. */
export function wants(
  section: Properties,
  path: string,
  expected: string,
  good: (value: unknown) => boolean,
  excused = false,
  prefix = "",
): readonly string[] {
  const value = at(section, path);
  if (excused || value === unknown || good(value)) return [];
  return [`${prefix}${path}: got ${show(value)}; expected ${expected}`];
}

/** For {@link must}. */
export const isTrue = (value: unknown): boolean => value === true || value === "true";
/** For {@link must}: not there, or false. */
export const isFalse = (value: unknown): boolean => !isTrue(value);
/** For {@link must}. */
export const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== "" && value !== false;
/** For {@link must}. */
export const isOneOf =
  (...accepted: readonly unknown[]) =>
  (value: unknown): boolean =>
    accepted.includes(value);
/** For {@link must}. */
export const isAtLeast =
  (least: number) =>
  (value: unknown): boolean =>
    typeof value === "number" && value >= least;

function tell(
  findings: readonly { readonly message: string; readonly urn?: string }[],
  resource: string,
  { exemptions }: CommonConfig,
  report: ReportViolation,
): void {
  if (findings.length === 0) return;
  const { exempt, note } = exemption(exemptions, resource);
  if (exempt) return;
  for (const { message, urn } of findings) report(message + note, urn);
}

/** Whether a resource is let off today; the note is for a message where it was until some day. */
export function exemption(
  exemptions: readonly Exemption[],
  resource: string,
): { readonly exempt: boolean; readonly note: string } {
  const own = exemptions.filter(({ resource: pattern }) => matches(pattern, resource));
  const today = new Date().toISOString().slice(0, 10);
  if (own.some(({ until }) => until === undefined || until >= today)) return { exempt: true, note: "" };
  const last = own
    .map(({ until }) => until)
    .toSorted()
    .at(-1);
  return { exempt: false, note: last === undefined ? "" : ` (its exemption ended on ${last})` };
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

function checked({ type, name, props, opts, provider }: ResourceValidationArgs | PolicyResource): Checked {
  return {
    type,
    name,
    props: sectionOf(props),
    protect: opts.protect,
    provider: sectionOf(provider?.props),
  };
}

function stackResource(resource: PolicyResource): StackResource {
  return {
    ...checked(resource),
    urn: resource.urn,
    parent: resource.parent?.urn,
    takenFrom: (property) => (resource.propertyDependencies[property] ?? []).map(({ urn }) => urn),
  };
}

function sectionOf(wrapped: unknown): Properties {
  const value = plain(wrapped);
  return isSection(value) ? value : {};
}
