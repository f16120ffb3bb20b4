import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ActiveContractsServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/active_contracts_service.ts";
import { UserManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { CommandCompletionServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_completion_service.ts";
import { CommandServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/command_service.ts";
import { Commands } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/commands.ts";
import {
  GetTransactionsRequest,
  GetTransactionsResponse,
  TransactionServiceClient,
  TransactionServiceService,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/transaction_service.ts";
import { VersionServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/version_service.ts";
import { call, serverStream } from "@pulumi-canton/runtime/grpc-client.ts";
import { implement, notBuilt } from "@pulumi-canton/runtime/grpc-server.ts";
import type { ServiceShape } from "@pulumi-canton/runtime/grpc-service.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusalOf, served } from "../../testing/served.ts";
import { startTestParticipant, type TestParticipant } from "../../testing/test-participant.ts";
import { bearer, startTokenIssuer, type TokenIssuer } from "../../testing/token-issuer.ts";
import { type Authenticator, authorized, noAuthentication } from "./authorized.ts";
import { callerOf } from "./caller.ts";
import { type Claims, WILDCARD } from "./claims.ts";
import { RULES } from "./rules.ts";

const deadline = { deadlineMs: 10_000 };

describe("the services of a participant with authentication", () => {
  let issuer: TokenIssuer;
  let database: TestDatabase;
  let node: TestParticipant;
  const audience = "the-ledger";
  const tokenOf = async (sub: string) => bearer(await issuer.sign({ sub, aud: audience }));

  beforeAll(async () => {
    [issuer, database] = await Promise.all([startTokenIssuer(), createTestDatabase()]);
    node = await startTestParticipant({
      name: "alice",
      storage: database.storage,
      ledgerApi: { auth: [{ type: "jwks", url: issuer.jwksUrl, targetAudience: audience }] },
    });
    const users = node.ledger(UserManagementServiceClient);
    const metadata = await tokenOf("participant_admin");
    for (const id of ["nobody", "acting"]) {
      const user = { id, primaryParty: "", isDeactivated: false, metadata: undefined, identityProviderId: "" };
      await call(users, "createUser", { user, rights: [] }, { ...deadline, metadata });
    }
    const rights = [
      { kind: { $case: "canActAs" as const, value: { party: "a::1220" } } },
      { kind: { $case: "canReadAs" as const, value: { party: "r::1220" } } },
    ];
    const request = { userId: "acting", identityProviderId: "", rights };
    await call(users, "grantUserRights", request, { ...deadline, metadata });
  });
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
    await database.drop();
    await issuer[Symbol.asyncDispose]();
  });

  /** How a request to every rpc ends. */
  async function outcomes(
    metadata: Metadata,
    request = Buffer.alloc(0),
  ): Promise<Map<string, { code: number; details: string }>> {
    const client = node.ledger(VersionServiceClient);
    const asIs = (bytes: Buffer) => bytes;
    const answers = [...RULES.keys()].map(
      (path) =>
        new Promise<[string, { code: number; details: string }]>((resolve) => {
          const options = { deadline: Date.now() + 10_000 };
          const done = (error: ServiceError | null) =>
            resolve([path, { code: error?.code ?? status.OK, details: error?.details ?? "" }]);
          client.makeUnaryRequest(path, asIs, asIs, request, metadata, options, done);
        }),
    );
    return new Map(await Promise.all(answers));
  }
  const thatEnd = (of: Map<string, { code: number }>, ...codes: number[]) =>
    [...of].filter(([, { code }]) => codes.includes(code)).map(([path]) => path);

  test("ask everybody who they are, but those that tell what they are themselves", async () => {
    const all = await outcomes(new Metadata());
    expect(all.size).toBeGreaterThan(60);
    expect([...all].filter(([, { code }]) => code !== status.UNAUTHENTICATED)).toEqual([
      ["/com.digitalasset.canton.connection.v30.ApiInfoService/GetApiInfo", { code: status.OK, details: "" }],
      ["/com.daml.ledger.api.v1.VersionService/GetLedgerApiVersion", { code: status.OK, details: "" }],
      ["/com.daml.ledger.api.v2.VersionService/GetLedgerApiVersion", { code: status.OK, details: "" }],
    ]);
    for (const path of thatEnd(all, status.UNAUTHENTICATED)) {
      expect(all.get(path)?.details, path).toMatch(/^An error occurred\. Please contact the operator/);
    }
  });

  test("do not read what a stranger sends", async () => {
    // A field that begins and does not end.
    const all = await outcomes(new Metadata(), Buffer.from([0x0a, 0x7f]));
    expect(thatEnd(all, status.UNAUTHENTICATED)).toHaveLength(all.size - 3);
    expect(
      thatEnd(await outcomes(await tokenOf("participant_admin"), Buffer.from([0x0a, 0x7f])), status.INVALID_ARGUMENT)
        .length,
    ).toBeGreaterThan(60);
  });

  test("administer nothing for a user without rights but itself", async () => {
    const denied = thatEnd(await outcomes(await tokenOf("nobody")), status.PERMISSION_DENIED);
    const ofAnybody = /\/(GetUser|ListUserRights|GetParticipantId|GenerateExternalPartyTopology)$/;
    expect(denied.sort()).toEqual(
      [...RULES.keys()]
        .filter((path) => (path.includes(".admin.") || path.endsWith("/SetTime")) && !ofAnybody.test(path))
        .sort(),
    );
  });

  test("refuse a participant's administrator nothing", async () => {
    const all = await outcomes(await tokenOf("participant_admin"));
    expect(thatEnd(all, status.UNAUTHENTICATED, status.PERMISSION_DENIED)).toEqual([]);
  });

  test("act and read only as the parties, and submit only as the user, that the token gives", async () => {
    const as = { ...deadline, metadata: await tokenOf("acting") };
    const commands = (change: Partial<Commands>) => ({ commands: Commands.fromPartial(change) });
    const filter = (party: string) => ({ filter: { filtersByParty: { [party]: {} } } });
    const transactions = node.ledger(TransactionServiceClient);
    const submit = (change: Partial<Commands>) =>
      call(node.ledger(CommandServiceClient), "submitAndWait", commands(change), as);
    const first = async (messages: AsyncIterable<unknown>) => {
      for await (const message of messages) return message;
    };
    const read = (party: string) =>
      first(serverStream(transactions, "getTransactions", GetTransactionsRequest.fromPartial(filter(party)), as));
    const byId = (requestingParties: string[]) => ({ ledgerId: "", transactionId: "", requestingParties });
    const completions = (applicationId: string, parties: string[]) =>
      first(
        serverStream(
          node.ledger(CommandCompletionServiceClient),
          "completionStream",
          { ledgerId: "", applicationId, parties, offset: undefined },
          as,
        ),
      );
    const acs = (party: string) =>
      first(
        serverStream(
          node.ledger(ActiveContractsServiceClient),
          "getActiveContracts",
          {
            ledgerId: "",
            verbose: false,
            activeAtOffset: "",
            filter: { filtersByParty: { [party]: { inclusive: undefined } } },
          },
          as,
        ),
      );
    // What is permitted gets as far as the service, which is not built.
    const permitted = [
      () => submit({ actAs: ["a::1220"], readAs: ["r::1220"] }),
      () => submit({ party: "a::1220", applicationId: "acting" }),
      () => read("a::1220"),
      () => read("r::1220"),
      () => acs("r::1220"),
      () => call(transactions, "getTransactionById", byId(["a::1220", "r::1220"]), as),
      () => completions("", ["a::1220"]),
      () => completions("acting", ["r::1220"]),
    ];
    for (const attempt of permitted) {
      expect(await refusalOf(attempt()), attempt.toString()).toMatchObject({ code: status.UNIMPLEMENTED });
    }
    const denied = [
      () => submit({ actAs: ["r::1220"] }),
      () => submit({ actAs: ["a::1220", "b::1220"] }),
      () => submit({ party: "b::1220", actAs: ["a::1220"] }),
      () => submit({ actAs: ["a::1220"], readAs: ["b::1220"] }),
      () => submit({ actAs: ["a::1220"], applicationId: "nobody" }),
      () => read("b::1220"),
      () => acs("b::1220"),
      () => call(transactions, "getTransactionById", byId(["a::1220", "b::1220"]), as),
      () => completions("nobody", ["a::1220"]),
      () => completions("", ["b::1220"]),
    ];
    for (const attempt of denied) {
      expect(await refusalOf(attempt()), attempt.toString()).toMatchObject({ code: status.PERMISSION_DENIED });
    }
  });
});

test("a participant without authentication says so when it starts, with the key", async () => {
  const lines: string[] = [];
  await using database = await createTestDatabase();
  const logTo = () => ({ write: (line: string) => void lines.push(line) });
  await using node = await startTestParticipant({ name: "open", storage: database.storage, logTo });
  expect(
    lines.filter((line) => line.includes("No authentication is configured for the Ledger API (ledgerApi.auth)")),
  ).toHaveLength(1);
  const users = await call(
    node.ledger(UserManagementServiceClient),
    "listUsers",
    { pageToken: "", pageSize: 0, identityProviderId: "" },
    deadline,
  );
  expect(users.users.map(({ id }) => id)).toEqual(["participant_admin"]);
});

describe("an rpc that nobody has decided about", () => {
  const shape = (path: string, requestStream: boolean): ServiceShape => ({
    doIt: { path, requestStream, responseStream: false, requestDeserialize: (b) => b, responseSerialize: (b) => b },
  });
  const options = { participant: "p", authenticator: noAuthentication };

  test("is not served", () => {
    expect(() => authorized([notBuilt(shape("/x.Y/DoIt", false))], options)).toThrow(/\/x\.Y\/DoIt has no rule/);
  });

  test("cannot be decided about by its first message", () => {
    const path = "/com.daml.ledger.api.v1.CommandService/SubmitAndWait";
    expect(() => authorized([notBuilt(shape(path, true))], options)).toThrow(/not about a stream/);
  });
});

describe("a stream", () => {
  const claims: Claims = { ...WILDCARD, userId: "u", readAs: new Set(["a::1220"]) };

  /** A stream of one message that then waits for ever; tells when its handler has ended. */
  async function endless(authenticator: Authenticator) {
    const ended = Promise.withResolvers<void>();
    const service = implement(TransactionServiceService, {
      getTransactions: async function* (_request, call) {
        try {
          expect(callerOf(call).userId).toBe("u");
          yield GetTransactionsResponse.fromPartial({});
          await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        } finally {
          ended.resolve();
        }
      },
    });
    const server = await served(authorized([service], { participant: "p", authenticator, renewStreamsMs: 20 }));
    const client = server.client(TransactionServiceClient);
    const request = GetTransactionsRequest.fromPartial({ filter: { filtersByParty: { "a::1220": {} } } });
    const received: unknown[] = [];
    const read = async () => {
      for await (const message of serverStream(client, "getTransactions", request, {})) received.push(message);
    };
    return { read, received, ended: ended.promise, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  test("ends when the token expires", async () => {
    const expiring = { ...claims, expiresAt: Date.now() + 200 };
    await using stream = await endless({ authenticate: async () => expiring, renew: async () => expiring });
    expect(await refusalOf(stream.read())).toMatchObject({ code: status.ABORTED, reason: "ACCESS_TOKEN_EXPIRED" });
    expect(stream.received).toHaveLength(1);
    await stream.ended;
  });

  test.each<[string, () => Promise<Claims>]>([
    ["the user's rights change", async () => ({ ...claims, readAs: new Set() })],
    ["the user may call no longer", async () => Promise.reject(new Error("deactivated"))],
  ])("ends when %s", async (_, renew) => {
    let renewals = 0;
    const authenticator: Authenticator = {
      authenticate: async () => claims,
      renew: () => (++renewals > 3 ? renew() : Promise.resolve(claims)),
    };
    await using stream = await endless(authenticator);
    expect(await refusalOf(stream.read())).toMatchObject({
      code: status.ABORTED,
      reason: "STALE_STREAM_AUTHORIZATION",
    });
    expect(renewals).toBeGreaterThan(3);
    await stream.ended;
  });
});
