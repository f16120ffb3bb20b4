import type { RejectionReason } from "../topology/decide.ts";
import type { TopologyMapping } from "../topology/mapping.ts";
import type { SignedTopologyTransaction } from "../topology/transaction.ts";

/** What was said and not taken back, or what was taken back. */
interface Said {
  readonly path: string;
  readonly bytes: string;
  readonly text: string;
  readonly signer: string;
  readonly mapping: TopologyMapping;
}

/** What follows from a topology state, as plain values that two implementations can be compared by. */
export interface TopologyEffect {
  /** `namespace key` or, if it may delegate further, `namespace key root`. */
  authorities: string[];
  /** `identifier key` */
  identifierAuthorities: string[];
  /** `member purpose key` */
  keys: string[];
  /** `participant permission trust`: both sides agree. */
  participants: string[];
  mediators: string[];
  /** `party participant permission`: both sides agree. */
  hosting: string[];
  /** `party participant permission trust`: and the participant is active on the domain. */
  hostingOnDomain: string[];
  /** `participant package` */
  packages: string[];
  parameters: string | undefined;
}

/**
 * The rules of topology once more, written for plainness: lists that are searched from end to end, no index, and not a
 * line of code in common with `decide` and `TopologyState`. Property tests hold the real thing against it.
 */
export class TopologyModel {
  readonly #domain: string;
  active: Said[] = [];
  removed: Said[] = [];

  constructor(domain: string) {
    this.#domain = domain;
  }

  /** What becomes of a transaction: refused for a reason, or accepted and taken in. */
  submit(tx: SignedTopologyTransaction, options: { force: boolean; forged: boolean }): RejectionReason | "accepted" {
    const { operation, mapping, elementId } = tx.transaction;
    const said: Said = {
      path: mapping.kind === "DomainParametersChange" ? mapping.domain : `${mapping.kind} ${elementId}`,
      bytes: tx.transactionBytes.toString("hex"),
      text: textOf(mapping),
      signer: tx.key.id,
      mapping,
    };
    const current = this.active.find(({ path }) => path === said.path);
    const gone = this.removed.find(({ path }) => path === said.path);

    if (options.forged) return "INVALID_TOPOLOGY_TX_SIGNATURE_ERROR";
    if ("domain" in mapping && mapping.domain !== this.#domain) return "WRONG_DOMAIN";
    if ((operation === "Remove" ? gone : current)?.bytes === said.bytes) return "DUPLICATE_TRANSACTION";
    if (operation === "Remove" && current?.text !== said.text) return "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE";
    if (operation === "Add") {
      if (current) return "ELEMENT_ID_IN_USE";
      if (gone) return "OBSOLETE_TRANSACTION";
      if (this.active.some(({ text, signer }) => text === said.text && signer === said.signer)) {
        return "TOPOLOGY_MAPPING_ALREADY_EXISTS";
      }
    }
    if (!authorized(this.active, tx.key.id, mapping)) return "UNAUTHORIZED_TOPOLOGY_TRANSACTION";

    const rest = this.active.filter((other) => other !== current);
    if (operation === "Remove") {
      const harm = options.force ? undefined : harmOf(mapping, this.active, rest);
      if (harm !== undefined) return harm;
      this.removed.push(said);
    }
    this.active = operation === "Remove" ? rest : [...rest, said];
    return "accepted";
  }

  /** What follows from all that was accepted. */
  effect(): TopologyEffect {
    const of = <K extends TopologyMapping["kind"]>(kind: K) =>
      this.active.flatMap(({ mapping }) => (mapping.kind === kind ? [mapping as Mapping<K>] : []));
    const namespaces = new Set(of("NamespaceDelegation").map(({ namespace }) => namespace));
    const participants = agreed(of("ParticipantState"), ({ participant }) => participant);
    const hosting = agreed(of("PartyToParticipant"), ({ party, participant }) => `${party} ${participant}`);
    const hostedBySelf = participants.flatMap(([participant, permission, trust]) => {
      const party = participant.slice("PAR::".length);
      const said = hosting.some(([name]) => name === `${party} ${participant}`);
      return said || permission === "Disabled" ? [] : [`${party} ${participant} ${permission} ${trust}`];
    });
    const hostedByMapping = hosting.flatMap(([name, permission]) => {
      const on = participants.find(([participant]) => name.endsWith(` ${participant}`));
      if (on === undefined) return [];
      const effective = least(PERMISSIONS, [permission, on[1]]);
      return effective === "Disabled" ? [] : [`${name} ${effective} ${on[2]}`];
    });
    const identifierAuthorities = this.active.flatMap(({ signer, mapping }) => {
      if (mapping.kind !== "IdentifierDelegation") return [];
      const ok = authorities(this.active, namespaceIn(mapping.uid)).has(signer);
      return ok ? [`${mapping.uid} ${mapping.targetKey.id}`] : [];
    });
    return {
      authorities: sorted(
        [...namespaces].flatMap((namespace) =>
          [...authorities(this.active, namespace)].map(([key, root]) => `${namespace} ${key}${root ? " root" : ""}`),
        ),
      ),
      identifierAuthorities: sorted(identifierAuthorities),
      keys: sorted(of("OwnerToKeyMapping").map(({ owner, key }) => `${owner} ${key.purpose} ${key.key.id}`)),
      participants: sorted(participants.map((each) => each.join(" "))),
      mediators: sorted(agreed(of("MediatorDomainState"), ({ mediator }) => mediator).map(([mediator]) => mediator)),
      hosting: sorted(hosting.map(([name, permission]) => `${name} ${permission}`)),
      hostingOnDomain: sorted([...hostedBySelf, ...hostedByMapping]),
      packages: sorted(
        of("VettedPackages").flatMap(({ participant, packageIds }) => packageIds.map((id) => `${participant} ${id}`)),
      ),
      parameters: of("DomainParametersChange").map(({ parameters }) => textOf(parameters))[0],
    };
  }
}

type Mapping<K> = Extract<TopologyMapping, { kind: K }>;

const PERMISSIONS = ["Disabled", "Observation", "Confirmation", "Submission"];
const TRUST = ["Ordinary", "Vip"];

/** A value as text that says all of it, whatever the order of its fields. */
export function textOf(value: object): string {
  return JSON.stringify(value, (_name, each) => {
    if (typeof each === "bigint") return `${each}`;
    if (each === null || typeof each !== "object" || Array.isArray(each) || each.type === "Buffer") return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Values in order, each once. */
export function sorted(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

function least(order: string[], values: string[]): string {
  return order.find((value) => values.includes(value)) ?? "";
}

/** Relations of which both sides are there, with the least permission and trust that any mapping of them says. */
function agreed<M extends { side: string; permission?: string; trustLevel?: string }>(
  mappings: M[],
  nameOf: (mapping: M) => string,
): [name: string, permission: string, trust: string][] {
  return sorted(mappings.map(nameOf)).flatMap((name): [string, string, string][] => {
    const said = mappings.filter((mapping) => nameOf(mapping) === name);
    const has = (side: string) => said.some((mapping) => mapping.side === side || mapping.side === "Both");
    if (!has("From") || !has("To")) return [];
    const permissions = said.map(({ permission }) => permission ?? "");
    return [
      [
        name,
        least(PERMISSIONS, permissions),
        least(
          TRUST,
          said.map(({ trustLevel }) => trustLevel ?? ""),
        ),
      ],
    ];
  });
}

function namespaceIn(uid: string): string {
  return uid.split("::").at(-1) ?? "";
}

/** The identifiers that have to agree to a mapping. */
function identifiersIn(mapping: TopologyMapping): string[] {
  const withoutCode = (member: string) => member.split("::").slice(1).join("::");
  const sides = (side: string, from: string, to: string) =>
    [side === "To" ? [] : [from], side === "From" ? [] : [withoutCode(to)]].flat();
  switch (mapping.kind) {
    case "NamespaceDelegation":
      return [];
    case "IdentifierDelegation":
      return [mapping.uid];
    case "OwnerToKeyMapping":
      return [withoutCode(mapping.owner)];
    case "VettedPackages":
      return [withoutCode(mapping.participant)];
    case "DomainParametersChange":
      return [mapping.domain];
    case "PartyToParticipant":
      return sides(mapping.side, mapping.party, mapping.participant);
    case "ParticipantState":
      return sides(mapping.side, mapping.domain, mapping.participant);
    case "MediatorDomainState":
      return sides(mapping.side, mapping.domain, mapping.mediator);
  }
}

/** All keys that may act for a namespace, and whether they may delegate it: grown until nothing more is found. */
function authorities(active: Said[], namespace: string): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const { signer, mapping } of active) {
      if (mapping.kind !== "NamespaceDelegation" || mapping.namespace !== namespace) continue;
      const target = mapping.targetKey.id;
      const isRootCertificate = target === namespace && signer === namespace;
      if (!isRootCertificate && found.get(signer) !== true) continue;
      const mayDelegate = found.get(target) === true || mapping.isRootDelegation;
      if (found.get(target) === mayDelegate) continue;
      found.set(target, mayDelegate);
      grew = true;
    }
  }
  return found;
}

/** Whether a key may authorise a mapping. */
function authorized(active: Said[], key: string, mapping: TopologyMapping): boolean {
  if (mapping.kind === "NamespaceDelegation") {
    if (mapping.targetKey.id === mapping.namespace) return key === mapping.namespace;
    return authorities(active, mapping.namespace).get(key) === true;
  }
  return identifiersIn(mapping).every((uid) => {
    const keys = authorities(active, namespaceIn(uid));
    if (keys.has(key)) return true;
    if (mapping.kind === "IdentifierDelegation") return false;
    return active.some(({ signer, mapping: other }) => {
      if (other.kind !== "IdentifierDelegation" || other.uid !== uid || other.targetKey.id !== key) return false;
      return keys.has(signer);
    });
  });
}

/** Why a removal has to be forced, if it has. */
function harmOf(removed: TopologyMapping, before: Said[], after: Said[]): RejectionReason | undefined {
  if (removed.kind === "OwnerToKeyMapping") {
    const another = after.some(({ mapping }) => {
      if (mapping.kind !== "OwnerToKeyMapping") return false;
      return mapping.owner === removed.owner && mapping.key.purpose === removed.key.purpose;
    });
    return another ? undefined : "REMOVING_LAST_KEY_MUST_BE_FORCED";
  }
  const isRoot = ({ mapping }: Pick<Said, "mapping">) =>
    mapping.kind === "NamespaceDelegation" &&
    removed.kind === "NamespaceDelegation" &&
    mapping.namespace === removed.namespace &&
    mapping.targetKey.id === mapping.namespace;
  const losesRoot = isRoot({ mapping: removed }) && !after.some(isRoot);
  const dangles = after.some(
    ({ signer, mapping }) => authorized(before, signer, mapping) && !authorized(after, signer, mapping),
  );
  return losesRoot || dangles ? "REMOVING_KEY_DANGLING_TRANSACTIONS_MUST_BE_FORCED" : undefined;
}
