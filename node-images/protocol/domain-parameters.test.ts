import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkDynamicDomainParameters,
  checkStaticDomainParameters,
  type DynamicDomainParameters,
  defaultDynamicDomainParameters,
  defaultStaticDomainParameters,
  dynamicDomainParametersFromProto,
  dynamicDomainParametersToProto,
} from "./domain-parameters.ts";
import { dynamicDomainParameters } from "./testing/arbitrary.ts";

describe("dynamic domain parameters", () => {
  it("are by default those of a real Canton at protocol version 5", () => {
    expect(dynamicDomainParametersToProto(defaultDynamicDomainParameters())).toEqual({
      participantResponseTimeout: { seconds: 30n, nanos: 0 },
      mediatorReactionTimeout: { seconds: 30n, nanos: 0 },
      transferExclusivityTimeout: { seconds: 60n, nanos: 0 },
      topologyChangeDelay: { seconds: 0n, nanos: 250_000_000 },
      ledgerTimeRecordTimeTolerance: { seconds: 60n, nanos: 0 },
      reconciliationInterval: { seconds: 60n, nanos: 0 },
      mediatorDeduplicationTimeout: { seconds: 120n, nanos: 0 },
      maxRatePerParticipant: 1_000_000,
      maxRequestSize: 10_485_760,
    });
    expect(checkDynamicDomainParameters(defaultDynamicDomainParameters())).toEqual(defaultDynamicDomainParameters());
  });

  it("survive being written and read", () => {
    fc.assert(
      fc.property(dynamicDomainParameters, (parameters) => {
        expect(dynamicDomainParametersFromProto(dynamicDomainParametersToProto(parameters))).toEqual(parameters);
      }),
    );
  });

  it.each<[Partial<DynamicDomainParameters>, RegExp]>([
    [{ participantResponseTimeout: -1n }, /^participant_response_timeout: .*Accepted: 0s or more/],
    [{ reconciliationInterval: 1_500_000n }, /^reconciliation_interval: .*Accepted: whole seconds/],
    [{ reconciliationInterval: 0n }, /^reconciliation_interval/],
    [{ mediatorDeduplicationTimeout: 1n }, /^mediator_deduplication_timeout: .*at least twice/],
    [{ maxRatePerParticipant: 0 }, /^max_rate_per_participant: .*integer from 1/],
    [{ maxRequestSize: 100 }, /^max_request_size: .*integer from 65536/],
    [{ maxRequestSize: 2 ** 31 }, /^max_request_size/],
  ])("are refused with %o", (change, message) => {
    expect(() => checkDynamicDomainParameters({ ...defaultDynamicDomainParameters(), ...change })).toThrow(message);
  });

  it("are refused when one is missing", () => {
    const message = dynamicDomainParametersToProto(defaultDynamicDomainParameters());
    expect(() => dynamicDomainParametersFromProto({ ...message, mediatorReactionTimeout: undefined })).toThrow(
      "mediator_reaction_timeout is not set",
    );
    expect(() => dynamicDomainParametersFromProto(undefined)).toThrow("domain_parameters is not set");
  });
});

describe("static domain parameters", () => {
  const ours = defaultStaticDomainParameters();

  it("of our own domains are ones that we can serve", () => {
    expect(checkStaticDomainParameters(ours)).toBe(ours);
  });

  it("of other protocol versions, or without anything in common, are refused", () => {
    expect(() => checkStaticDomainParameters({ ...ours, protocolVersion: 7 })).toThrow(
      "protocol_version: protocol version 7 is not supported. Accepted: 5",
    );
    expect(() => checkStaticDomainParameters({ ...ours, requiredCryptoKeyFormats: [1] })).toThrow(
      /^required_crypto_key_formats: none of 1 is supported/,
    );
  });
});
