import { type Database, openDatabase } from "@pulumi-canton/runtime/database.ts";
import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { createTestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { type Authenticator, authorized, noAuthentication } from "../ledger-api/authorization/authorized.ts";
import { identityProviderConfigServices } from "../ledger-api/identity-providers/identity-provider-config.ts";
import { IdentityProviderStore } from "../ledger-api/identity-providers/identity-provider-store.ts";
import { PartyStore } from "../ledger-api/party-store.ts";
import { userManagementServices } from "../ledger-api/users/user-management.ts";
import { UserStore } from "../ledger-api/users/user-store.ts";
import { served } from "./served.ts";

/** The stores of the Ledger API's users in a database. */
export function userStores(database: Database) {
  return {
    users: new UserStore(database),
    providers: new IdentityProviderStore(database),
    parties: new PartyStore(database),
  };
}

/** The user and identity provider services over an empty database of their own. */
export async function userLedger(
  authenticatorOf: (stores: ReturnType<typeof userStores>) => Authenticator = () => noAuthentication,
) {
  const testDatabase = await createTestDatabase();
  const database = await openDatabase({
    storage: testDatabase.storage,
    migrations: new URL("../migrations/", import.meta.url),
    logger: silentLogger,
  });
  const participant = "participant1";
  const stores = userStores(database);
  const server = await served(
    authorized(
      [
        ...userManagementServices({ participant, ...stores }),
        ...identityProviderConfigServices(participant, stores.providers),
      ],
      { participant, authenticator: authenticatorOf(stores) },
    ),
  );
  return {
    ...stores,
    client: server.client,
    /** Cuts all connections to the database. */
    cutDatabase: () => testDatabase.terminateConnections(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await database.close(0);
      await testDatabase.drop();
    },
  };
}
