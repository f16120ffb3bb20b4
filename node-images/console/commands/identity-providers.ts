import {
  type IdentityProviderConfig,
  IdentityProviderConfigServiceClient,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { type LedgerApiOptions, ledgerApiOf, withLedgerApiOptions } from "../ledger-api.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";

type Common = LedgerApiOptions & { json: boolean };

interface ConfigOptions {
  issuer?: string;
  jwksUrl?: string;
  audience?: string;
}

/** An identity provider for people and scripts. */
export interface IdentityProviderView {
  id: string;
  isActive: boolean;
  issuer: string;
  jwksUrl: string;
  audience: string;
}

function viewOf(config: IdentityProviderConfig | undefined): IdentityProviderView {
  if (config === undefined) throw new ConsoleError("The participant answered without a provider.", "Try again.");
  const { identityProviderId: id, isDeactivated, issuer, jwksUrl, audience } = config;
  return { id, isActive: !isDeactivated, issuer, jwksUrl, audience };
}

function show(rows: readonly IdentityProviderView[], asJson: boolean, one = false): void {
  if (asJson) return printJson(one ? rows[0] : rows);
  print(
    table(
      ["identity provider", "active", "issuer", "keys", "audience"],
      rows.map((r) => [r.id, r.isActive ? "yes" : "no", r.issuer, r.jwksUrl, r.audience || undefined]),
    ),
  );
}

/** `identity-providers` */
export function registerIdentityProviders(program: Command, context: ConsoleContext): void {
  const group = program
    .command("identity-providers")
    .description("who may vouch for users of a participant's Ledger API besides its own configuration");
  const common = (command: Command) => withLedgerApiOptions(command).addOption(json());
  const client = IdentityProviderConfigServiceClient;

  common(group.command("create"))
    .description("adds an identity provider")
    .argument("<id>", "its name on this participant")
    .requiredOption("--issuer <issuer>", "the `iss` of its tokens")
    .requiredOption("--jwks-url <url>", "where its public keys are (JWKS)")
    .option("--audience <audience>", "the `aud` that its tokens must have", "")
    .option("--deactivated", "its tokens are not accepted yet", false)
    .action(async (id: string, options: Common & Required<ConfigOptions> & { deactivated: boolean }) => {
      const ledger = await ledgerApiOf(context, options);
      const { issuer, jwksUrl, audience, deactivated: isDeactivated } = options;
      const config = { identityProviderId: id, isDeactivated, issuer, jwksUrl, audience };
      const answer = await ledger.call(client, "createIdentityProviderConfig", { identityProviderConfig: config });
      show([viewOf(answer.identityProviderConfig)], options.json, true);
    });

  common(group.command("get"))
    .description("one identity provider")
    .argument("<id>")
    .action(async (identityProviderId: string, options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      const answer = await ledger.call(client, "getIdentityProviderConfig", { identityProviderId });
      show([viewOf(answer.identityProviderConfig)], options.json, true);
    });

  common(group.command("update"))
    .description("changes an identity provider; what is not named stays")
    .argument("<id>")
    .option("--issuer <issuer>", "the `iss` of its tokens")
    .option("--jwks-url <url>", "where its public keys are (JWKS)")
    .option("--audience <audience>", "the `aud` that its tokens must have")
    .option("--deactivate", "its tokens are not accepted any more")
    .option("--activate", "its tokens are accepted again")
    .action(
      async (
        identityProviderId: string,
        options: Common & ConfigOptions & { deactivate?: boolean; activate?: boolean },
      ) => {
        const { issuer, jwksUrl, audience, deactivate, activate } = options;
        if (deactivate && activate)
          throw new ConsoleError("--activate and --deactivate exclude each other.", "Give one.");
        const updateMask = [
          ...(issuer === undefined ? [] : ["issuer"]),
          ...(jwksUrl === undefined ? [] : ["jwks_url"]),
          ...(audience === undefined ? [] : ["audience"]),
          ...(deactivate || activate ? ["is_deactivated"] : []),
        ];
        if (updateMask.length === 0) {
          throw new ConsoleError("Nothing is to be changed.", "See console identity-providers update --help.");
        }
        const ledger = await ledgerApiOf(context, options);
        const answer = await ledger.call(client, "updateIdentityProviderConfig", {
          identityProviderConfig: {
            identityProviderId,
            isDeactivated: deactivate ?? false,
            issuer: issuer ?? "",
            jwksUrl: jwksUrl ?? "",
            audience: audience ?? "",
          },
          updateMask,
        });
        show([viewOf(answer.identityProviderConfig)], options.json, true);
      },
    );

  common(group.command("list", { isDefault: true }))
    .description("all identity providers (the default)")
    .action(async (options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      const { identityProviderConfigs } = await ledger.call(client, "listIdentityProviderConfigs", {});
      show(identityProviderConfigs.map(viewOf), options.json);
    });

  common(group.command("delete"))
    .description("removes an identity provider: its tokens are not accepted any more")
    .argument("<id>")
    .action(async (identityProviderId: string, options: Common) => {
      const ledger = await ledgerApiOf(context, options);
      await ledger.call(client, "deleteIdentityProviderConfig", { identityProviderId });
      if (options.json) printJson({ deleted: identityProviderId });
      else print(`${identityProviderId} is deleted.`);
    });
}
