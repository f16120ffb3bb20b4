import { VersionServiceClient as ClientV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { VersionServiceClient as ClientV2 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/version_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { expect, test } from "vitest";
import { observationsAvailable, observed } from "../testing/observed.ts";
import { recordedForm } from "../testing/recorded-messages.ts";
import { served } from "../testing/served.ts";
import { versionServices } from "./version.ts";

test.skipIf(!observationsAvailable)(
  "what can be done with users and parties is told as by a real Canton, in v1 and v2",
  async () => {
    const theirs = observed("raw-GetLedgerApiVersion", "GetLedgerApiVersion").responses[0];
    await using server = await served(versionServices("participant1"));
    const options = { deadlineMs: 10_000 };
    const v1 = await call(server.client(ClientV1), "getLedgerApiVersion", { ledgerId: "" }, options);
    const v2 = await call(server.client(ClientV2), "getLedgerApiVersion", {}, options);
    for (const { version, features } of [v1, v2]) {
      expect(version).toBe(theirs.version);
      expect(recordedForm(features?.userManagement)).toEqual(theirs.features.user_management);
      expect(recordedForm(features?.partyManagement)).toEqual(theirs.features.party_management);
    }
  },
);
