import {
  checkDynamicDomainParameters,
  type DynamicDomainParameters,
  dynamicDomainParametersFromProto,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  CryptoKeyFormat,
  EncryptionKeyScheme,
  HashAlgorithm,
  SigningKeyScheme,
  SymmetricKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { DomainServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { formatMicros, timestampFromProto } from "@pulumi-canton/protocol/timestamp.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { durationSyntax, formatDuration, parseDuration } from "@pulumi-canton/runtime/durations.ts";
import type { Command } from "commander";
import type { AdminApi } from "../admin-api.ts";
import type { ConsoleContext } from "../console-context.ts";
import { nameOf } from "../enum-name.ts";
import { headState } from "../head-state.ts";
import { domainManagerOf, type Network } from "../network.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { traceHint } from "../trace-hint.ts";

type Name = keyof DynamicDomainParameters;

/** Every parameter, with what it means and which values are accepted. */
const meanings: Readonly<Record<Name, string>> = {
  participantResponseTimeout: "how long participants have to respond to the mediator; 0s or more",
  mediatorReactionTimeout: "how long the mediator has to conclude after that; 0s or more",
  transferExclusivityTimeout: "how long only the submitter of a transfer-out may submit the transfer-in; 0s or more",
  topologyChangeDelay: "how long after its sequencing a topology change takes effect in Canton; 0s or more",
  ledgerTimeRecordTimeTolerance: "how far ledger time and record time may lie apart; growing it needs --force",
  reconciliationInterval: "the interval of ACS commitments; whole seconds, 1s or more",
  mediatorDeduplicationTimeout:
    "how long the mediator remembers requests; at least twice ledgerTimeRecordTimeTolerance",
  maxRatePerParticipant: "messages a second that a participant may send; 1 or more",
  maxRequestSize: "the largest message in bytes; 65536 or more",
};
const counts: readonly Name[] = ["maxRatePerParticipant", "maxRequestSize"];

/** Changes parameters by `name=value` texts. Pure. @throws ConsoleError naming what is accepted */
export function changedParameters(
  before: DynamicDomainParameters,
  changes: readonly string[],
): DynamicDomainParameters {
  const after: Record<string, bigint | number> = { ...before };
  for (const change of changes) {
    const [given = "", value = ""] = change.split(/=(.*)/s);
    const name = given.trim().replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!Object.hasOwn(meanings, name)) {
      throw new ConsoleError(`There is no parameter ${given}.`, `Give one of ${Object.keys(meanings).join(", ")}.`);
    }
    const parsed = counts.includes(name as Name)
      ? /^\d+$/.test(value) && Number.isSafeInteger(Number(value))
        ? Number(value)
        : undefined
      : parseDuration(value);
    if (parsed === undefined) {
      const accepted = counts.includes(name as Name) ? "a whole number" : durationSyntax;
      throw new ConsoleError(`${name}=${value} is not accepted.`, `Give ${accepted}: ${meanings[name as Name]}.`);
    }
    after[name] = counts.includes(name as Name) ? parsed : BigInt(parsed) * 1000n;
  }
  try {
    return checkDynamicDomainParameters(after as unknown as DynamicDomainParameters);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ConsoleError(
      `The domain would not accept this: ${error.message}`,
      "Change it, or what it depends on, too.",
    );
  }
}

/** The parameters in force, as the domain's manager has authorised them. */
async function current(api: AdminApi, network: Network): Promise<DynamicDomainParameters> {
  const { results } = await api.call(
    domainManagerOf(network).adminApi,
    TopologyManagerReadServiceClient,
    "listDomainParametersChanges",
    { baseQuery: headState("Authorized") },
  );
  const parameters = results.at(-1)?.parameters;
  if (parameters?.$case !== "v1") {
    throw new ConsoleError("The domain has no parameters yet.", "Wait until it has set itself up: console status.");
  }
  return dynamicDomainParametersFromProto(parameters.value);
}

function viewOf(parameters: DynamicDomainParameters): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "bigint" ? (value % 1000n === 0n ? formatDuration(Number(value / 1000n)) : `${value}us`) : value,
    ]),
  );
}

/** `domain` */
export function registerDomainParameters(program: Command, context: ConsoleContext): void {
  const domain = program
    .command("domain")
    .description("the domain's parameters, and who accepted its terms of service");
  const parameters = domain
    .command("parameters")
    .description("parameters that the domain's owner may change while it runs");

  parameters
    .command("get", { isDefault: true })
    .description("the values in force (the default)")
    .addOption(json())
    .action(async ({ json }: { json: boolean }) => {
      const view = viewOf(await current(context.api(), await context.network()));
      if (json) return printJson(view);
      print(
        table(
          ["parameter", "value", "meaning"],
          Object.entries(view).map(([name, value]) => [name, String(value), meanings[name as Name]]),
        ),
      );
    });

  parameters
    .command("set")
    .description("changes values; the others stay")
    .argument("<name=value...>", "for example maxRatePerParticipant=500000 or participantResponseTimeout=20s")
    .option("--force", "although it lets the tolerance of ledger time grow", false)
    .option("--signed-by <fingerprint>", "the key to sign with", "")
    .addOption(json())
    .addHelpText(
      "after",
      () =>
        `\n${Object.entries(meanings)
          .map(([name, meaning]) => `  ${name}: ${meaning}`)
          .join("\n")}`,
    )
    .action(
      async (changes: string[], { force, signedBy, json }: { force: boolean; signedBy: string; json: boolean }) => {
        const network = await context.network();
        const api = context.api();
        const before = await current(api, network);
        const after = changedParameters(before, changes);
        await api.call(
          domainManagerOf(network).adminApi,
          TopologyManagerWriteServiceClient,
          "authorizeDomainParametersChange",
          {
            authorization: { change: TopologyChangeOp.Replace, signedBy, replaceExisting: true, forceChange: force },
            domain: network.domain.id,
            parameters: { $case: "parametersV1", value: dynamicDomainParametersToProto(after) },
          },
        );
        if (json) return printJson(viewOf(after));
        const was = viewOf(before);
        const rows = Object.entries(viewOf(after)).filter(([name, value]) => was[name] !== value);
        print(
          table(
            ["parameter", "was", "is"],
            rows.map(([name, value]) => [name, String(was[name]), String(value)]),
          ),
        );
        print(traceHint());
      },
    );

  domain
    .command("accepted-agreements")
    .description("which participants have accepted which terms of service")
    .addOption(json())
    .action(async ({ json }: { json: boolean }) => {
      const { adminApi } = domainManagerOf(await context.network());
      const { acceptances } = await context
        .api()
        .call(adminApi, DomainServiceClient, "listServiceAgreementAcceptances", {});
      const rows = acceptances.map(({ participantId, agreementId, timestamp }) => ({
        participant: participantId,
        agreement: agreementId,
        at: timestamp === undefined ? "" : formatMicros(timestampFromProto(timestamp)),
      }));
      if (json) return printJson(rows);
      print(
        table(
          ["participant", "agreement", "at"],
          rows.map((r) => [context.identity(r.participant), r.agreement, r.at]),
        ),
      );
    });

  domain
    .command("static-parameters")
    .description("what was fixed when the domain was made")
    .addOption(json())
    .action(async ({ json }: { json: boolean }) => {
      const { adminApi } = domainManagerOf(await context.network());
      const { parameters } = await context
        .api()
        .call(adminApi, DomainServiceClient, "getDomainParametersVersioned", {});
      if (parameters?.$case !== "parametersV1") {
        throw new ConsoleError("The domain tells its parameters in another version.", "Use its own console.");
      }
      const names = (values: Record<string, string | number>, given: readonly number[]) =>
        given.map((n) => nameOf(values, n));
      const { value } = parameters;
      const view = {
        protocolVersion: value.protocolVersion,
        uniqueContractKeys: value.uniqueContractKeys,
        signingKeySchemes: names(SigningKeyScheme, value.requiredSigningKeySchemes),
        encryptionKeySchemes: names(EncryptionKeyScheme, value.requiredEncryptionKeySchemes),
        symmetricKeySchemes: names(SymmetricKeyScheme, value.requiredSymmetricKeySchemes),
        hashAlgorithms: names(HashAlgorithm, value.requiredHashAlgorithms),
        keyFormats: names(CryptoKeyFormat, value.requiredCryptoKeyFormats),
      };
      if (json) return printJson(view);
      print(
        table(
          ["parameter", "value"],
          Object.entries(view).map(([name, v]) => [name, Array.isArray(v) ? v.join(", ") : String(v)]),
        ),
      );
    });
}
