/** What a preview changes in the topology, in the words of those who run networks. Pure. */
import { type Permission, permissions } from "@pulumi-canton/components/topology/topology-names.ts";
import { isUnknown, nameIn, type PlannedResource, type Properties, typeIn } from "./events.ts";

/** A resource about to change, with what is needed to call things by their names. */
interface Change {
  readonly resource: PlannedResource;
  /** A text input: as it will be, or as it was where that is not known yet. */
  readonly text: (property: string) => string | undefined;
  readonly before: Properties;
  readonly after: Properties;
  readonly domain: string;
  /** The participant that the resource belongs to. */
  readonly participant: string;
}

/** Sentences for one kind of resource. */
interface Words {
  readonly create: (change: Change) => string;
  readonly delete: (change: Change) => string;
  /** Empty where what changes is nothing that people on the network see. */
  readonly update?: (change: Change) => string;
}

const kinds: Readonly<Record<string, Words>> = {
  AllowListing: {
    create: (change) => grant(change, "gains"),
    delete: ({ resource, text, domain, before }) =>
      `${listed(resource, text)} loses ${before["permission"]} on ${domain}`,
    update: (change) => {
      const { resource, text, domain, before, after } = change;
      if (before["permission"] !== after["permission"]) {
        const less = rank(after["permission"]) > rank(before["permission"]);
        return `${grant(change, less ? "is left with" : "gains")}, where it had ${before["permission"]}`;
      }
      if (before["trustLevel"] === after["trustLevel"]) return "";
      return `${listed(resource, text)} is trusted as ${after["trustLevel"]} on ${domain}, where it was ${before["trustLevel"]}`;
    },
  },
  DomainConnection: {
    create: ({ participant, domain }) => `${participant} connects to ${domain}`,
    delete: ({ participant, domain }) => `${participant} disconnects from ${domain}, for good`,
    update: ({ participant, domain, before }) =>
      before["drift"] === undefined ? "" : `${participant} connects to ${domain} again`,
  },
  TermsOfService: {
    create: ({ participant, domain, text }) => `${participant} accepts the terms "${text("termsId")}" of ${domain}`,
    delete: ({ participant, domain, text }) =>
      `${participant} no longer keeps its acceptance of the terms "${text("termsId")}" of ${domain}, which stands`,
  },
  Party: {
    create: ({ participant, text }) => `party ${identifier(text("party"))} is hosted by ${participant}`,
    delete: ({ participant, text }) => `party ${identifier(text("party"))} is no longer hosted by ${participant}`,
  },
  PartyHosting: {
    create: ({ participant, text, resource }) =>
      `${hosted(text, resource)} is hosted by ${participant} too, with ${text("permission")}`,
    delete: ({ participant, text, resource }) => `${hosted(text, resource)} is no longer hosted by ${participant}`,
    update: ({ participant, text, resource, before, after }) =>
      before["permission"] === after["permission"]
        ? ""
        : `${hosted(text, resource)} is hosted by ${participant} with ${after["permission"]}, where it was with ${before["permission"]}`,
  },
  NamespaceDelegation: {
    create: ({ text, after }) =>
      `key ${text("key")} may sign for the namespace ${short(text("namespace"))}${after["isRootDelegation"] === true ? ", as its root key does" : ""}`,
    delete: ({ text }) => `key ${text("key")} may no longer sign for the namespace ${short(text("namespace"))}`,
  },
  IdentifierDelegation: {
    create: ({ text }) => `key ${text("key")} may sign for ${identifier(text("identifier"))}`,
    delete: ({ text }) => `key ${text("key")} may no longer sign for ${identifier(text("identifier"))}`,
  },
  OwnerToKeyMapping: {
    create: ({ text }) => `${identifier(text("owner"))} uses a key of its own for ${text("purpose")}`,
    delete: ({ text }) => `${identifier(text("owner"))} gives up a key for ${text("purpose")}`,
    update: ({ text, before, after }) =>
      before["keyVersion"] === after["keyVersion"]
        ? ""
        : `${identifier(text("owner"))} gets a new key for ${text("purpose")} (version ${after["keyVersion"]})`,
  },
  MediatorDomainState: {
    create: ({ text, domain }) => `mediator ${identifier(text("mediator"))} serves ${domain}`,
    delete: ({ text, domain }) => `mediator ${identifier(text("mediator"))} no longer serves ${domain}`,
  },
  DomainParameters: {
    create: ({ domain, after }) => `${domain} gets the parameters ${listOf(after["parameters"])}`,
    delete: ({ domain, before }) => `${domain} gets back what ${listOf(before["parameters"])} were`,
    update: ({ domain, before, after }) => `${domain} has ${differences(before["parameters"], after["parameters"])}`,
  },
  NodeIdentity: {
    create: ({ text, resource }) =>
      `${text("role") ?? "participant"} ${text("identifier") ?? resource.name} gets its identity, with a root key ${text("rootKey") === "elsewhere" ? "that is kept elsewhere" : "on the node"}`,
    delete: ({ text, resource }) =>
      `${text("role") ?? "participant"} ${text("identifier") ?? resource.name} keeps its identity, which the stack forgets`,
  },
  LedgerUser: {
    create: ({ text, after }) => `user ${text("userId")} is made${rights(after)}`,
    delete: ({ text }) => `user ${text("userId")} is deleted`,
    update: ({ text, after }) => `user ${text("userId")} changes${rights(after)}`,
  },
  IdentityProvider: {
    create: ({ text }) => `tokens of ${text("issuer")} are accepted`,
    delete: ({ text }) => `tokens of ${text("issuer")} are no longer accepted`,
    update: ({ text, resource }) => `what is accepted of ${text("issuer")} changes (${resource.changed.join(", ")})`,
  },
  Invitation: {
    create: ({ domain }) => `an invitation to ${domain} is given out`,
    delete: ({ domain }) => `the invitation to ${domain} is no longer given out`,
    update: ({ domain }) => `another invitation to ${domain} is given out`,
  },
  AcceptedInvitation: {
    create: ({ domain }) => `an invitation to ${domain} is taken up`,
    delete: ({ domain }) => `an invitation to ${domain} is no longer kept`,
  },
};

/** Modules of dynamic resources that change what others on the network see. */
const modules = /^pulumi-nodejs:dynamic\/(?:topology|identity|invitation|ledger|recovery):(\w+)$/;

/** A sentence for each change of the topology, in the order of the plan. */
export function topologyWords(resources: readonly PlannedResource[]): string[] {
  return resources.flatMap((resource) => {
    const [, kind] = modules.exec(resource.type) ?? [];
    if (kind === undefined || resource.fate === "same") return [];
    const sentences = sentencesOf(kind, resource, resources);
    return sentences.filter((sentence) => sentence !== "");
  });
}

function sentencesOf(kind: string, resource: PlannedResource, all: readonly PlannedResource[]): string[] {
  const words = kinds[kind];
  if (words === undefined) {
    const done = { create: "is made", update: "changes", replace: "is made anew", delete: "is deleted", same: "" };
    return [`${kind} ${resource.name} ${done[resource.fate]}`];
  }
  const change = changeOf(resource, all);
  switch (resource.fate) {
    case "create":
      return [words.create(change)];
    case "delete":
      return [words.delete(change)];
    case "replace":
      return [words.delete(changeOf({ ...resource, after: undefined }, all)), words.create(change)];
    default:
      return [words.update?.(change) ?? ""];
  }
}

function changeOf(resource: PlannedResource, all: readonly PlannedResource[]): Change {
  const { before = {}, after = {} } = resource;
  const now = textOf(after);
  const then = textOf(before);
  const text = (property: string) => now(property) ?? then(property);
  return {
    resource,
    text,
    before,
    after,
    domain: domainOf(text, resource, all),
    participant: participantOf(text, resource),
  };
}

function textOf(properties: Properties): (property: string) => string | undefined {
  return (property) => {
    const value = properties[property];
    return typeof value === "string" && !isUnknown(value) ? value : undefined;
  };
}

function rank(permission: unknown): number {
  return permissions.indexOf(permission as Permission);
}

function grant({ resource, text, domain, after }: Change, verb: string): string {
  const who = listed(resource, text);
  if (after["permission"] === "Disabled") return `${who} is barred from ${domain}`;
  const trust = after["trustLevel"] === "Vip" ? " as a VIP" : "";
  return `${who} ${verb} ${after["permission"]} on ${domain}${trust}`;
}

/** The participant of an entry of an allow-list. Where the id is not known yet, the entry bears the participant's name. */
function listed({ name }: PlannedResource, text: Change["text"]): string {
  const id = text("participant");
  if (id === undefined) return `participant ${name}`;
  const fingerprint = id.split("::").at(-1);
  // One of another organisation: its name may be that of one of ours, its fingerprint may not.
  return `participant ${identifier(id)}${name === identifier(id) ? "" : ` (${short(fingerprint)})`}`;
}

function hosted(text: Change["text"], { name }: PlannedResource): string {
  const party = text("party");
  return party === undefined ? `a party (${name})` : `party ${identifier(party)}`;
}

function domainOf(text: Change["text"], { parent }: PlannedResource, all: readonly PlannedResource[]): string {
  const id = text("domainId");
  if (id !== undefined) return `domain ${identifier(id)}`;
  const alias = text("domainAlias") ?? text("alias");
  if (alias !== undefined) return `domain ${alias}`;
  if (parent !== undefined && isDomain(typeIn(parent))) return `domain ${nameIn(parent)}`;
  const domains = all.filter(({ type }) => isDomain(type));
  return domains.length === 1 ? `domain ${domains[0]?.name}` : "its domain";
}

function isDomain(type: string): boolean {
  return type === "pulumi-canton:domain:Domain";
}

function participantOf(text: Change["text"], { name, parent }: PlannedResource): string {
  const id = text("participantId");
  if (id !== undefined) return `participant ${identifier(id)}`;
  const within = parent !== undefined && typeIn(parent) === "pulumi-canton:participant:Participant";
  return `participant ${within ? nameIn(parent) : name}`;
}

/** The name in `PAR::alice::1220…` and the like. */
function identifier(id: string | undefined): string {
  return id?.replace(/^(?:PAR|SEQ|MED|DOM)::/, "").split("::")[0] ?? "(not known yet)";
}

/** The start of a fingerprint, as the console shows it. */
function short(fingerprint: string | undefined): string {
  if (fingerprint === undefined) return "(not known yet)";
  return fingerprint.length > 12 ? `${fingerprint.slice(0, 12)}…` : fingerprint;
}

function rights({ actAs, readAs, participantAdmin, identityProviderAdmin, active }: Properties): string {
  const said = [
    ...(active === false ? ["inactive"] : []),
    ...(participantAdmin === true ? ["administers the participant"] : []),
    ...(identityProviderAdmin === true ? ["administers its identity provider"] : []),
    ...partiesOf("acts as", actAs),
    ...partiesOf("reads as", readAs),
  ];
  return said.length === 0 ? "" : `: ${said.join(", ")}`;
}

function partiesOf(verb: string, parties: unknown): string[] {
  if (!Array.isArray(parties) || parties.length === 0) return [];
  return [
    `${verb} ${parties.map((party) => (isUnknown(party) ? "a new party" : identifier(String(party)))).join(" and ")}`,
  ];
}

function listOf(parameters: unknown): string {
  return Object.keys(sectionOf(parameters)).join(", ");
}

function differences(before: unknown, after: unknown): string {
  const [was, is] = [sectionOf(before), sectionOf(after)];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]))
    .map((key) => `${key} ${shown(is[key])}, where it was ${shown(was[key])}`)
    .join("; ");
}

function shown(value: unknown): string {
  return value === undefined ? "its default" : JSON.stringify(value);
}

function sectionOf(value: unknown): Properties {
  return typeof value === "object" && value !== null ? (value as Properties) : {};
}
