import * as messages from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import {
  UserManagementServiceClient,
  UserManagementServiceService,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { describe, expect, test } from "vitest";
import {
  type ObservedCall,
  observationsAvailable,
  observedCalls,
  observedRefusal,
  ourRefusal,
} from "../../testing/observed.ts";
import { ourForm, recordedForm } from "../../testing/recorded-messages.ts";
import { refusalOf } from "../../testing/served.ts";
import { userLedger } from "../../testing/user-ledger.ts";

/** In the order in which they were recorded: every one builds on what those before it left. */
const recordings = [
  "ledger_api.users.create",
  "ledger_api.users.update",
  "ledger_api.users.get",
  "ledger_api.users.rights.list",
  "ledger_api.users.rights.grant",
  "ledger_api.users.rights.grant-nothing-new",
  "ledger_api.users.rights.revoke",
  "ledger_api.users.rights.list-after",
  "ledger_api.users.create-default",
  "ledger_api.users.list",
  "ledger_api.users.list-all",
  "ledger_api.users.list-page",
  "ledger_api.users.delete",
  "ledger_api.users.list-deleted",
  "ledger_api.users.update-deactivate",
  "refusal-users.create-bad-annotation-key",
  "refusal-users.create-bad-id",
  "refusal-users.create-empty-annotation-value",
  "refusal-users.create-twice",
  "refusal-users.delete-unknown",
  "refusal-users.get-unknown",
  "refusal-users.list-bad-page-token",
  "refusal-users.rights.grant-unknown-user",
  "refusal-users.rights.list-unknown-user",
  "refusal-users.rights.revoke-unknown-user",
  "refusal-users.update-bad-annotation-key",
  "users.delete-participant_admin",
  "raw-CreateUser-all-allowed-characters",
  "raw-CreateUser-annotations-too-big",
  "raw-CreateUser-bad-id",
  "raw-CreateUser-bad-primary-party",
  "raw-CreateUser-deactivated-without-primary-party",
  "raw-CreateUser-empty-id",
  "raw-CreateUser-empty-right",
  "raw-CreateUser-id-129",
  "raw-CreateUser-no-user",
  "raw-CreateUser-resource-version",
  "raw-CreateUser-unknown-idp",
  "raw-CreateUser-unknown-primary-party",
  "raw-CreateUser-uppercase-first",
  "raw-GetUser-empty-id",
  "raw-GrantUserRights-all-kinds",
  "raw-GrantUserRights-bad-party",
  "raw-GrantUserRights-none",
  "raw-GrantUserRights-unknown-party",
  "raw-UpdateUser-duplicate-path",
  "raw-UpdateUser-empty-mask",
  "raw-UpdateUser-no-mask",
  "raw-UpdateUser-stale-resource-version",
  "raw-UpdateUser-unknown-path",
  "raw-UpdateUser-unknown-user",
  "raw-UpdateUser-path-id",
  "raw-UpdateUser-annotations-merge-and-remove",
  "raw-UpdateUser-annotations-path-metadata",
  "raw-ListUsers-page_size-0",
  "raw-ListUsers-page_size-negative",
  "raw-ListUsers-two-pages",
];

type Rpc = keyof typeof UserManagementServiceService;

/** Submission ids are random: only that there is one can be compared. */
const comparable = ({ metadata: { submissionId, ...metadata }, ...refusal }: ReturnType<typeof ourRefusal>) => ({
  ...refusal,
  metadata: { ...metadata, hasId: submissionId !== undefined },
});

async function replay(client: UserManagementServiceClient, recorded: ObservedCall) {
  const name = recorded.method.split("/").at(-1) ?? "";
  const rpc = `${name.charAt(0).toLowerCase()}${name.slice(1)}` as Rpc;
  const request = (messages as any)[`${name}Request`].fromPartial(ourForm(recorded.request));
  const answer = call(client as any, rpc, request, { deadlineMs: 10_000 }) as Promise<unknown>;
  if (recorded.status.code !== 0) {
    return [comparable(ourRefusal(await refusalOf(answer))), comparable(observedRefusal(recorded))];
  }
  return [recordedForm(await answer), recorded.responses[0]];
}

describe.skipIf(!observationsAvailable)("users", () => {
  test("the same calls get the same answers and refusals as those of a real Canton", async () => {
    await using ledger = await userLedger();
    const client = ledger.client(UserManagementServiceClient);
    let calls = 0;
    for (const file of recordings) {
      for (const recorded of observedCalls(file)) {
        const [ours, theirs] = await replay(client, recorded);
        expect(ours, `${file}: ${recorded.method}`).toEqual(theirs);
        calls++;
      }
    }
    expect(calls).toBeGreaterThanOrEqual(recordings.length);
  });
});
