import fc from "fast-check";
import { expect, test } from "vitest";
import { type RealmPlan, realmFile, realmProblems, secretVariable } from "./realm.ts";

const plan: RealmPlan = {
  realm: "canton",
  applicationUrl: "https://app.example.com",
  audience: "https://ledger.example.com/participant1",
  client: "canton-app",
  services: ["json-reader", "settlement"],
};

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const plans: fc.Arbitrary<RealmPlan> = fc
  .record({ realm: name, clients: fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), audience: fc.webUrl() })
  .filter(({ realm }) => realm !== "master")
  .map(({ realm, clients: [client = "", ...services], audience }) => ({ ...plan, realm, client, services, audience }));

test("every client has a secret of its own that is not in the file", () => {
  fc.assert(
    fc.property(plans, (given) => {
      expect(realmProblems(given)).toEqual([]);
      const { clients } = realmFile(given);
      expect(clients.map(({ clientId }) => clientId)).toEqual([given.client, ...given.services]);
      const variables = clients.map(({ secret }) => /^\$\{(CLIENT_SECRET_[A-Z0-9_]+)\}$/.exec(secret)?.[1]);
      expect(variables).toEqual(clients.map(({ clientId }) => secretVariable(clientId)));
      expect(new Set(variables).size).toBe(clients.length);
    }),
  );
});

test("every token is for the participant, and of a user whose name is known", () => {
  const { clients } = realmFile(plan);
  const mappers = clients.map(({ protocolMappers }) =>
    protocolMappers.map(({ protocolMapper, config }) => ({ protocolMapper, config })),
  );
  const audience = {
    protocolMapper: "oidc-audience-mapper",
    config: {
      "included.custom.audience": plan.audience,
      "access.token.claim": "true",
      "id.token.claim": "false",
    },
  };
  const subject = {
    "claim.name": "sub",
    "jsonType.label": "String",
    "access.token.claim": "true",
    "id.token.claim": "false",
  };
  const fixed = (value: string) => ({
    protocolMapper: "oidc-hardcoded-claim-mapper",
    config: { "claim.value": value, ...subject },
  });
  expect(mappers).toEqual([
    [
      audience,
      { protocolMapper: "oidc-usermodel-attribute-mapper", config: { "user.attribute": "username", ...subject } },
    ],
    [audience, fixed("json-reader")],
    [audience, fixed("settlement")],
  ]);
  // The scope `basic` would put another subject in.
  expect(clients.flatMap(({ defaultClientScopes }) => defaultClientScopes)).toEqual([]);
});

test("one of the programs may be the participants' administrator", () => {
  const { clients } = realmFile({ ...plan, administrator: "settlement" });
  const subjects = clients.map(({ protocolMappers: [, subject] }) => subject?.config as Record<string, string>);
  expect(subjects.map((config) => config["claim.value"])).toEqual([undefined, "json-reader", "participant_admin"]);
});

test("people log in by code and nowhere else, programs by their secret, nobody registers", () => {
  const realm = realmFile(plan);
  expect(realm).toMatchObject({ registrationAllowed: false, sslRequired: "all", bruteForceProtected: true });
  const [people, ...programs] = realm.clients;
  expect(people).toMatchObject({
    standardFlowEnabled: true,
    serviceAccountsEnabled: false,
    redirectUris: ["https://app.example.com/auth/cb"],
    webOrigins: ["https://app.example.com"],
  });
  for (const program of programs)
    expect(program).toMatchObject({ standardFlowEnabled: false, serviceAccountsEnabled: true });
  for (const client of realm.clients) {
    expect(client).toMatchObject({ publicClient: false, implicitFlowEnabled: false, directAccessGrantsEnabled: false });
  }
});

test.each<[Partial<RealmPlan>, RegExp]>([
  [{ realm: "Canton" }, /^realm: got "Canton"; expected/],
  [{ realm: "master" }, /^realm: got "master", which is Keycloak's own/],
  [{ applicationUrl: "http://app.example.com" }, /^applicationUrl: got "http:/],
  [{ applicationUrl: "https://app.example.com/" }, /^applicationUrl: .* without a path$/],
  [{ audience: "" }, /^audience: got ""/],
  [{ client: "a_b" }, /^client: got "a_b"/],
  [{ administrator: "nobody" }, /^administrator: got "nobody"; expected one of services: json-reader, settlement/],
  [{ services: ["canton-app"] }, /^services\[0\]: got "canton-app" a second time/],
])("%j is refused", (changes, message) => {
  const problems = realmProblems({ ...plan, ...changes });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(message);
});
