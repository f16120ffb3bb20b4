import {
  type GrantUserRightsRequest,
  type Right,
  type User,
  UserManagementServiceClient,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import {
  annotationArgument,
  type LedgerApi,
  type LedgerApiOptions,
  ledgerApiOf,
  withLedgerApiOptions,
} from "../ledger-api.ts";
import { type Network, partyId } from "../network.ts";
import { collect, countArgument, json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";

/** A user for people and scripts. */
export interface UserView {
  id: string;
  primaryParty: string | null;
  isActive: boolean;
  annotations: Record<string, string>;
  identityProviderId: string;
  resourceVersion: string;
}

/** A user's rights for people and scripts. */
export interface RightsView {
  actAs: string[];
  readAs: string[];
  participantAdmin: boolean;
  identityProviderAdmin: boolean;
}

interface RightsOptions {
  actAs?: string[];
  readAs?: string[];
  admin: boolean;
  identityProviderAdmin: boolean;
}

type Common = LedgerApiOptions & { identityProvider: string; json: boolean };

function viewOf(user: User | undefined): UserView {
  if (user === undefined) throw new ConsoleError("The participant answered without a user.", "Try again.");
  return {
    id: user.id,
    primaryParty: user.primaryParty === "" ? null : user.primaryParty,
    isActive: !user.isDeactivated,
    annotations: user.metadata?.annotations ?? {},
    identityProviderId: user.identityProviderId,
    resourceVersion: user.metadata?.resourceVersion ?? "",
  };
}

/** Rights as four answers. Pure. */
export function rightsView(rights: readonly Right[]): RightsView {
  const kinds = rights.flatMap(({ kind }) => kind ?? []);
  return {
    actAs: kinds.flatMap((kind) => (kind.$case === "canActAs" ? [kind.value.party] : [])).sort(),
    readAs: kinds.flatMap((kind) => (kind.$case === "canReadAs" ? [kind.value.party] : [])).sort(),
    participantAdmin: kinds.some(({ $case }) => $case === "participantAdmin"),
    identityProviderAdmin: kinds.some(({ $case }) => $case === "identityProviderAdmin"),
  };
}

function rightsFrom(
  network: Network,
  { actAs = [], readAs = [], admin, identityProviderAdmin }: RightsOptions,
): Right[] {
  return [
    ...(admin ? [{ kind: { $case: "participantAdmin" as const, value: {} } }] : []),
    ...(identityProviderAdmin ? [{ kind: { $case: "identityProviderAdmin" as const, value: {} } }] : []),
    ...actAs.map((party) => ({ kind: { $case: "canActAs" as const, value: { party: partyId(network, party) } } })),
    ...readAs.map((party) => ({ kind: { $case: "canReadAs" as const, value: { party: partyId(network, party) } } })),
  ];
}

function withRightsOptions(command: Command): Command {
  return command
    .option("--act-as <party>", "may act as this party; may be given several times", collect)
    .option("--read-as <party>", "may read as this party; may be given several times", collect)
    .option("--admin", "may administer the participant", false)
    .option("--identity-provider-admin", "may administer the users of its identity provider", false);
}

/** `users` */
export function registerUsers(program: Command, context: ConsoleContext): void {
  const users = program.command("users").description("users of a participant's Ledger API, and their rights");
  const common = (command: Command) =>
    withLedgerApiOptions(command)
      .option("--identity-provider <id>", "whose users they are (default: the participant's own)", "")
      .addOption(json());
  const show = (user: User | undefined, asJson: boolean) => {
    const view = viewOf(user);
    if (asJson) return printJson(view);
    print(userTable(context, [view]));
  };
  const showRights = (rights: readonly Right[], asJson: boolean) => {
    const view = rightsView(rights);
    if (asJson) return printJson(view);
    print(
      table(
        ["acts as", "reads as", "participant admin", "identity provider admin"],
        [
          [
            view.actAs.map(context.identity).join("\n") || undefined,
            view.readAs.map(context.identity).join("\n") || undefined,
            view.participantAdmin ? "yes" : "no",
            view.identityProviderAdmin ? "yes" : "no",
          ],
        ],
      ),
    );
  };

  withRightsOptions(common(users.command("create")))
    .description("makes a user, with its rights")
    .argument("<id>", "its name: letters, digits and @^$.!`-#+'~_|: up to 128 characters")
    .option("--primary-party <party>", "the party that it uses unless it says otherwise")
    .option("--annotation <key=value>", "kept with the user; may be given several times", annotationArgument, {})
    .option("--deactivated", "it may not use the Ledger API yet", false)
    .action(
      async (
        id: string,
        options: Common &
          RightsOptions & { primaryParty?: string; annotation: Record<string, string>; deactivated: boolean },
      ) => {
        const network = await context.network();
        const ledger = await ledgerApiOf(context, options);
        const { user } = await ledger.call(UserManagementServiceClient, "createUser", {
          user: {
            id,
            primaryParty: options.primaryParty === undefined ? "" : partyId(network, options.primaryParty),
            isDeactivated: options.deactivated,
            metadata: { resourceVersion: "", annotations: options.annotation },
            identityProviderId: options.identityProvider,
          },
          rights: rightsFrom(network, options),
        });
        show(user, options.json);
      },
    );

  common(users.command("get"))
    .description("one user")
    .argument("<id>")
    .action(async (userId: string, options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      const { user } = await ledger.call(UserManagementServiceClient, "getUser", {
        userId,
        identityProviderId: options.identityProvider,
      });
      show(user, options.json);
    });

  common(users.command("update"))
    .description("changes a user; what is not named stays")
    .argument("<id>")
    .option("--primary-party <party>", "the party that it uses unless it says otherwise")
    .option("--no-primary-party", "it has none any more")
    .option("--annotation <key=value>", "set or change an annotation; may be given several times", annotationArgument)
    .option("--remove-annotation <key>", "may be given several times", collect)
    .option("--deactivate", "it may not use the Ledger API any more")
    .option("--activate", "it may use the Ledger API again")
    .option("--resource-version <version>", "refuse when somebody changed the user since this version was read", "")
    .action(
      async (
        id: string,
        options: Common & {
          primaryParty?: string | boolean;
          annotation?: Record<string, string>;
          removeAnnotation?: string[];
          deactivate?: boolean;
          activate?: boolean;
          resourceVersion: string;
        },
      ) => {
        const { primaryParty, annotation, removeAnnotation, deactivate, activate, resourceVersion } = options;
        if (deactivate && activate)
          throw new ConsoleError("--activate and --deactivate exclude each other.", "Give one.");
        const named = primaryParty !== undefined && primaryParty !== true;
        const updateMask = [
          ...(named ? ["primary_party"] : []),
          ...(deactivate || activate ? ["is_deactivated"] : []),
          ...(annotation !== undefined || removeAnnotation !== undefined ? ["metadata.annotations"] : []),
        ];
        if (updateMask.length === 0) {
          throw new ConsoleError("Nothing is to be changed.", "See console users update --help for what can be.");
        }
        const network = await context.network();
        const ledger = await ledgerApiOf(context, options);
        // An empty value removes an annotation, as published.
        const removed = Object.fromEntries((removeAnnotation ?? []).map((key) => [key, ""]));
        const { user } = await ledger.call(UserManagementServiceClient, "updateUser", {
          user: {
            id,
            primaryParty: typeof primaryParty === "string" ? partyId(network, primaryParty) : "",
            isDeactivated: deactivate ?? false,
            metadata: { resourceVersion, annotations: { ...annotation, ...removed } },
            identityProviderId: options.identityProvider,
          },
          updateMask,
        });
        show(user, options.json);
      },
    );

  common(users.command("list", { isDefault: true }))
    .description("the users of a participant (the default)")
    .option("--prefix <start>", "only users whose name begins so", "")
    .option("--limit <count>", "most users", countArgument("--limit", 1), 1_000)
    .action(async (options: Common & { prefix: string; limit: number }) => {
      const ledger = await ledgerApiOf(context, options);
      const rows: UserView[] = [];
      let pageToken = "";
      do {
        const page = await ledger.call(UserManagementServiceClient, "listUsers", {
          pageToken,
          pageSize: 1_000,
          identityProviderId: options.identityProvider,
        });
        rows.push(...page.users.map(viewOf).filter(({ id }) => id.startsWith(options.prefix)));
        pageToken = page.nextPageToken;
      } while (pageToken !== "" && rows.length < options.limit);
      const shown = rows.slice(0, options.limit);
      if (options.json) return printJson(shown);
      print(userTable(context, shown));
    });

  common(users.command("delete"))
    .description("deletes a user; `update --deactivate` keeps it from coming back under the same name")
    .argument("<id>")
    .action(async (userId: string, options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      await ledger.call(UserManagementServiceClient, "deleteUser", {
        userId,
        identityProviderId: options.identityProvider,
      });
      if (options.json) printJson({ deleted: userId });
      else print(`${userId} is deleted.`);
    });

  const rights = users.command("rights").description("what a user may do");
  common(rights.command("list", { isDefault: true }))
    .description("all rights of a user (the default)")
    .argument("<id>")
    .action(async (userId: string, options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      const request = { userId, identityProviderId: options.identityProvider };
      const answer = await ledger.call(UserManagementServiceClient, "listUserRights", request);
      showRights(answer.rights, options.json);
    });
  const changesRights = (
    name: string,
    description: string,
    change: (ledger: LedgerApi, request: GrantUserRightsRequest) => Promise<readonly Right[]>,
  ) =>
    withRightsOptions(common(rights.command(name)))
      .description(description)
      .argument("<id>")
      .action(async (userId: string, options: Common & RightsOptions) => {
        const ledger = await ledgerApiOf(context, options);
        const changed = await change(ledger, {
          userId,
          rights: rightsFrom(await context.network(), options),
          identityProviderId: options.identityProvider,
        });
        showRights(changed, options.json);
      });
  changesRights("grant", "gives a user rights; prints those that it did not have", async (ledger, request) => {
    const answer = await ledger.call(UserManagementServiceClient, "grantUserRights", request);
    return answer.newlyGrantedRights;
  });
  changesRights("revoke", "takes rights from a user; prints those that it had", async (ledger, request) => {
    const answer = await ledger.call(UserManagementServiceClient, "revokeUserRights", request);
    return answer.newlyRevokedRights;
  });
}

function userTable(context: ConsoleContext, rows: readonly UserView[]): string {
  return table(
    ["user", "primary party", "active", "annotations"],
    rows.map((r) => [
      r.id,
      r.primaryParty === null ? undefined : context.identity(r.primaryParty),
      r.isActive ? "yes" : "no",
      Object.entries(r.annotations)
        .map(([key, value]) => `${key}=${value}`)
        .join("\n") || undefined,
    ]),
  );
}
