/** `topology.admin.v0.TopologyManagerReadService`: the transactions in the node's topology stores. */

import { PROTOCOL_VERSION_TEXT } from "@pulumi-canton/protocol/domain-parameters.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import {
  type BaseQuery,
  type BaseResult,
  TopologyManagerReadServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { memberCode, memberUid } from "@pulumi-canton/protocol/identity/member.ts";
import { fieldNotSet, ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampFromProto, timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import {
  changeOpFromProto,
  changeOpToProto,
  permissionFromProto,
  sideFromProto,
} from "@pulumi-canton/protocol/topology/change.ts";
import {
  domainParametersChangeToProto,
  type MappingKind,
  mappingToProto,
  type StateUpdateMappingProto,
  type TopologyMapping,
} from "@pulumi-canton/protocol/topology/mapping.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { StoredTransaction, TimeQuery, TransactionQuery } from "../stored-transaction.ts";
import type { NodeLabel } from "../topology-errors.ts";
import type { TopologyStores } from "../topology-stores.ts";
import { readingRequest } from "./request.ts";
import { startOfName, uidFits } from "./topology-filter.ts";

/** What {@link topologyManagerReadService} needs. */
export interface TopologyManagerReadServiceOptions {
  stores: TopologyStores;
  /** Put into the metadata of errors. */
  node: NodeLabel;
}

type Found<K extends MappingKind> = StoredTransaction & {
  readonly mapping: Extract<TopologyMapping, { kind: K }>;
};

/** The message of a mapping in its `oneof`, by the name of its branch. */
type ItemOf<C extends StateUpdateMappingProto["$case"]> = Extract<StateUpdateMappingProto, { $case: C }>["value"];

function timeQueryOf(query: BaseQuery): TimeQuery {
  const time = query.timeQuery;
  if (time === undefined) throw fieldNotSet("time_query");
  switch (time.$case) {
    case "headState":
      return { kind: "head" };
    case "snapshot":
      return { kind: "snapshot", at: timestampFromProto(time.value, "snapshot") };
    case "range": {
      const { from, until } = time.value;
      return {
        kind: "range",
        from: from === undefined ? undefined : timestampFromProto(from, "from"),
        until: until === undefined ? undefined : timestampFromProto(until, "until"),
      };
    }
  }
}

function transactionQueryOf(query: BaseQuery): TransactionQuery {
  if (query.protocolVersion !== undefined && query.protocolVersion !== PROTOCOL_VERSION_TEXT) {
    throw new ProtocolError(
      "ValueConversionError",
      "protocol_version",
      `transactions cannot be converted to protocol version ${query.protocolVersion}`,
      PROTOCOL_VERSION_TEXT,
    );
  }
  return {
    time: timeQueryOf(query),
    operation: query.filterOperation ? changeOpFromProto(query.operation) : undefined,
    signedBy: query.filterSignedKey,
    stateOnly: query.useStateStore,
  };
}

function contextOf(found: StoredTransaction): BaseResult {
  return {
    store: found.store,
    sequenced: timestampToProto(found.sequenced),
    validFrom: timestampToProto(found.validFrom),
    validUntil: found.validUntil === undefined ? undefined : timestampToProto(found.validUntil),
    operation: changeOpToProto(found.signed.transaction.operation),
    serialized: found.serialized,
    signedByFingerprint: found.signed.key.id,
  };
}

/** The published message of a mapping. */
function itemOf<C extends StateUpdateMappingProto["$case"]>(mapping: TopologyMapping, branch: C): ItemOf<C> {
  if (mapping.kind !== "DomainParametersChange") {
    const message = mappingToProto(mapping);
    if (message.$case === branch) return message.value as ItemOf<C>;
  }
  throw new TypeError(`${mapping.kind} is no ${branch}`);
}

/** The service over a node's topology stores. */
export function topologyManagerReadService({ stores, node }: TopologyManagerReadServiceOptions): GrpcService {
  /** What fits a base query, in all stores whose id begins as the filter says. */
  async function find(base: BaseQuery | undefined, more: Partial<TransactionQuery> = {}): Promise<StoredTransaction[]> {
    if (base === undefined) throw fieldNotSet("base_query");
    const query: TransactionQuery = { ...transactionQueryOf(base), ...more };
    const found: StoredTransaction[] = [];
    for (const id of await stores.ids()) {
      if (id.startsWith(base.filterStore)) found.push(...(await (await stores.open(id)).query(query)));
    }
    return found;
  }

  /**
   * What fits a base query and is of one kind.
   *
   * @param filters of what the mapping is about, and of the other side: the index finds what begins as their names do
   * @param fits whether a mapping fits all of the request
   */
  async function findKind<K extends MappingKind>(
    base: BaseQuery | undefined,
    kind: K,
    filters: readonly [subject: string, counterpart?: string],
    fits: (mapping: Found<K>["mapping"]) => boolean,
  ): Promise<Found<K>[]> {
    const [subject, counterpart = ""] = filters;
    const names = { subject: startOfName(subject), counterpart: startOfName(counterpart) };
    const found = await find(base, { kinds: [kind], ...names });
    return found
      .map((each) => ({ ...each, mapping: each.signed.transaction.mapping as Found<K>["mapping"] }))
      .filter(({ mapping }) => fits(mapping));
  }

  const reading = <T>(run: () => Promise<T>): Promise<T> => readingRequest(node, run);

  return implement(TopologyManagerReadServiceService, {
    listAvailableStores: async () => ({ storeIds: await stores.ids() }),

    listNamespaceDelegation: ({ baseQuery, filterNamespace }) =>
      reading(async () => {
        const found = await findKind(baseQuery, "NamespaceDelegation", [filterNamespace], ({ namespace }) =>
          namespace.startsWith(filterNamespace),
        );
        return {
          results: found.map((each) => ({
            context: contextOf(each),
            item: itemOf(each.mapping, "namespaceDelegation"),
            targetKeyFingerprint: each.mapping.targetKey.id,
          })),
        };
      }),

    listIdentifierDelegation: ({ baseQuery, filterUid }) =>
      reading(async () => {
        const found = await findKind(baseQuery, "IdentifierDelegation", [filterUid], ({ uid }) =>
          uidFits(uid, filterUid),
        );
        return {
          results: found.map((each) => ({
            context: contextOf(each),
            item: itemOf(each.mapping, "identifierDelegation"),
            targetKeyFingerprint: each.mapping.targetKey.id,
          })),
        };
      }),

    listOwnerToKeyMapping: ({ baseQuery, filterKeyOwnerType, filterKeyOwnerUid, filterKeyPurpose }) =>
      reading(async () => {
        const purpose = filterKeyPurpose === undefined ? undefined : keyPurposeFromProto(filterKeyPurpose.value);
        const found = await findKind(
          baseQuery,
          "OwnerToKeyMapping",
          [filterKeyOwnerUid],
          ({ owner, key }) =>
            (filterKeyOwnerType === "" || memberCode(owner) === filterKeyOwnerType) &&
            uidFits(memberUid(owner), filterKeyOwnerUid) &&
            (purpose === undefined || key.purpose === purpose),
        );
        return {
          results: found.map((each) => ({
            context: contextOf(each),
            item: itemOf(each.mapping, "ownerToKeyMapping"),
            keyFingerprint: each.mapping.key.key.id,
          })),
        };
      }),

    listPartyToParticipant: (request) =>
      reading(async () => {
        const { filterRequestSide, filterPermission } = request;
        const side = filterRequestSide === undefined ? undefined : sideFromProto(filterRequestSide.value);
        const permission = filterPermission === undefined ? undefined : permissionFromProto(filterPermission.value);
        const found = await findKind(
          request.baseQuery,
          "PartyToParticipant",
          [request.filterParty, request.filterParticipant],
          (mapping) =>
            uidFits(mapping.party, request.filterParty) &&
            uidFits(memberUid(mapping.participant), request.filterParticipant) &&
            (side === undefined || mapping.side === side) &&
            (permission === undefined || mapping.permission === permission),
        );
        return {
          results: found.map((each) => ({
            context: contextOf(each),
            item: itemOf(each.mapping, "partyToParticipant"),
          })),
        };
      }),

    listParticipantDomainState: ({ baseQuery, filterDomain, filterParticipant }) =>
      reading(async () => {
        const found = await findKind(
          baseQuery,
          "ParticipantState",
          [filterDomain, filterParticipant],
          ({ domain, participant }) =>
            uidFits(domain, filterDomain) && uidFits(memberUid(participant), filterParticipant),
        );
        return {
          results: found.map((each) => ({ context: contextOf(each), item: itemOf(each.mapping, "participantState") })),
        };
      }),

    listMediatorDomainState: ({ baseQuery, filterDomain, filterMediator }) =>
      reading(async () => {
        const found = await findKind(
          baseQuery,
          "MediatorDomainState",
          [filterDomain, filterMediator],
          ({ domain, mediator }) => uidFits(domain, filterDomain) && uidFits(memberUid(mediator), filterMediator),
        );
        return {
          results: found.map((each) => ({
            context: contextOf(each),
            item: itemOf(each.mapping, "mediatorDomainState"),
          })),
        };
      }),

    listVettedPackages: ({ baseQuery, filterParticipant }) =>
      reading(async () => {
        const found = await findKind(baseQuery, "VettedPackages", [filterParticipant], ({ participant }) =>
          uidFits(memberUid(participant), filterParticipant),
        );
        return {
          results: found.map((each) => ({ context: contextOf(each), item: itemOf(each.mapping, "vettedPackages") })),
        };
      }),

    listDomainParametersChanges: ({ baseQuery }) =>
      reading(async () => {
        const found = await findKind(baseQuery, "DomainParametersChange", [""], () => true);
        return {
          results: found.flatMap((each) => {
            const value = domainParametersChangeToProto(each.mapping).domainParameters;
            return value === undefined
              ? []
              : [{ context: contextOf(each), parameters: { $case: "v1" as const, value } }];
          }),
        };
      }),

    // Protocol version 5 has no check-only packages, and legal identity claims cannot be authorised: there never are any.
    listCheckOnlyPackages: ({ baseQuery }) =>
      reading(async () => ({ results: none(await find(baseQuery, { kinds: [] })) })),
    listSignedLegalIdentityClaim: ({ baseQuery }) =>
      reading(async () => ({ results: none(await find(baseQuery, { kinds: [] })) })),

    listAll: ({ baseQuery }) =>
      reading(async () => ({
        result: {
          items: (await find(baseQuery)).map((found) => ({
            sequenced: timestampToProto(found.sequenced),
            validFrom: timestampToProto(found.validFrom),
            validUntil: found.validUntil === undefined ? undefined : timestampToProto(found.validUntil),
            transaction: found.serialized,
          })),
        },
      })),
  });
}

function none(_found: readonly StoredTransaction[]): [] {
  return [];
}

function keyPurposeFromProto(value: number): "signing" | "encryption" {
  if (value === KeyPurpose.SigningKeyPurpose) return "signing";
  if (value === KeyPurpose.EncryptionKeyPurpose) return "encryption";
  if (value === KeyPurpose.UnknownKeyPurpose) throw fieldNotSet("filter_key_purpose");
  throw new ProtocolError("UnrecognizedEnum", "filter_key_purpose", `${value} is unknown`);
}
