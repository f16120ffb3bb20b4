import { PartyManagementServiceClient } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/party_management_service.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { annotationArgument, type LedgerApiOptions, ledgerApiOf, withLedgerApiOptions } from "../ledger-api.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";

/** `ledger-parties` */
export function registerLedgerParties(program: Command, context: ConsoleContext): void {
  const group = program
    .command("ledger-parties")
    .description("parties as applications see them, through the Ledger API");

  withLedgerApiOptions(group.command("list", { isDefault: true }))
    .description("the parties that a participant's Ledger API knows (the default)")
    .addOption(json())
    .action(async ({ json, ...options }: LedgerApiOptions & { json: boolean }) => {
      const ledger = await ledgerApiOf(context, options);
      const rows = [];
      let pageToken = "";
      do {
        const page = await ledger.call(PartyManagementServiceClient, "listKnownParties", {
          pageSize: 1_000,
          pageToken,
          identityProviderId: "",
        });
        rows.push(...page.partyDetails);
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      const view = rows.map(({ party, displayName, isLocal, localMetadata, identityProviderId }) => ({
        party,
        displayName,
        isLocal,
        annotations: localMetadata?.annotations ?? {},
        identityProviderId,
      }));
      if (json) return printJson(view);
      print(
        table(
          ["party", "display name", "here"],
          view.map((r) => [context.identity(r.party), r.displayName || undefined, r.isLocal ? "yes" : "no"]),
        ),
      );
    });

  withLedgerApiOptions(group.command("allocate"))
    .description("makes a party in the namespace of a participant, through its Ledger API")
    .argument("[hint]", "the start of its id; without it the participant chooses one", "")
    .option("--display-name <name>", "a name for people, known to this participant only", "")
    .option(
      "--annotation <key=value>",
      "kept with the party on this participant; may be given several times",
      annotationArgument,
      {},
    )
    .addOption(json())
    .action(
      async (
        hint: string,
        {
          displayName,
          annotation,
          json,
          ...options
        }: LedgerApiOptions & { displayName: string; annotation: Record<string, string>; json: boolean },
      ) => {
        const ledger = await ledgerApiOf(context, options);
        const { partyDetails } = await ledger.call(PartyManagementServiceClient, "allocateParty", {
          partyIdHint: hint,
          displayName,
          localMetadata: { resourceVersion: "", annotations: annotation },
          identityProviderId: "",
        });
        if (partyDetails === undefined) throw new ConsoleError("The participant named no party.", "Try again.");
        if (json) printJson({ party: partyDetails.party, displayName: partyDetails.displayName });
        else print(partyDetails.party);
      },
    );
}
