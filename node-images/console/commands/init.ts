import {
  defaultDynamicDomainParameters,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import { KeyPurpose } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { namespaceOf } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import type { Command } from "commander";
import { authorizationData } from "../authorization.ts";
import type { ConsoleContext } from "../console-context.ts";
import { type InitialisableNode, initialisableNode } from "../initialisable-node.ts";
import { json } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { generate } from "./keys.ts";

const deadlineMs = 20_000;
type Observed = Awaited<ReturnType<typeof observeInitialisation>>;

/** `init` */
export function registerInit(program: Command, context: ConsoleContext): void {
  const init = program
    .command("init")
    .description("initialises a node by hand, where its configuration says init.auto: false");
  const observe = ({ role, admin }: InitialisableNode) => observeInitialisation(role, admin, { deadlineMs });

  init
    .command("status", { isDefault: true })
    .description("the steps of a node's initialisation, which are done, and which is next (the default)")
    .argument("<node>", "a participant or the domain manager")
    .addOption(json())
    .action(async (name: string, { json }: { json: boolean }) => {
      const { steps, next, complete, uid } = await observe(await initialisableNode(context, name));
      if (json) return printJson({ uid: uid ?? null, complete, next: next?.name ?? null, steps });
      print(
        table(
          ["", "step", "done", "what"],
          steps.map(({ name, done, what }, index) => [String(index + 1), name, done ? "yes" : "no", what]),
        ),
      );
      print(next === undefined ? `${name} is initialised as ${uid}.` : `Next: ${next.what}`);
    });

  init
    .command("id")
    .description("gives a node its id: a participant after its root certificate, a domain manager before")
    .argument("<node>")
    .argument("<identifier>", "the first part of its id; a random one tells nothing of its owner")
    .argument("<namespace>", "fingerprint of the namespace's key")
    .action(async (name: string, identifier: string, fingerprint: string) => {
      const { adminApi } = await initialisableNode(context, name);
      const request = { identifier, fingerprint, instance: "" };
      const { uniqueIdentifier } = await context.api().call(adminApi, InitializationServiceClient, "initId", request);
      print(`${name} is ${uniqueIdentifier}.`);
    });

  init
    .command("run")
    .description(
      "does the steps that the node itself can do, in order, from wherever it stands; may be interrupted and repeated",
    )
    .argument("<node>")
    .requiredOption("--identifier <name>", "the first part of the id that it is to have")
    .action(async (name: string, { identifier }: { identifier: string }) => {
      const node = await initialisableNode(context, name);
      let taken = "";
      for (;;) {
        const observed = await observe(node);
        const { next, uid } = observed;
        if (next === undefined) return print(`${name} is initialised as ${uid}.`);
        if (next.name === taken || !(await takeStep(context, node, identifier, observed))) {
          throw new ConsoleError(
            `${name} is not initialised yet.`,
            `Next step (${observed.steps.indexOf(next) + 1} of ${observed.steps.length}): ${next.what}`,
          );
        }
        taken = next.name;
        print(`done: ${next.what}`);
      }
    });
}

/** Does the next step, where the node has all that it takes. */
async function takeStep(
  context: ConsoleContext,
  { adminApi: url }: InitialisableNode,
  identifier: string,
  { next, uid, keys }: Observed,
): Promise<boolean> {
  const api = context.api();
  // Before the node has its id, the first signing key that it holds is that of the namespace.
  const namespace =
    uid === undefined ? keys.find(({ purpose }) => purpose === "signing")?.fingerprint : namespaceOf(uid);
  const map = async (keyOwner: string, purpose: "signing" | "encryption", fingerprint: string) => {
    await api.call(url, TopologyManagerWriteServiceClient, "authorizeOwnerToKeyMapping", {
      authorization: authorizationData(),
      keyOwner,
      fingerprintOfKey: fingerprint,
      keyPurpose: purpose === "signing" ? KeyPurpose.SigningKeyPurpose : KeyPurpose.EncryptionKeyPurpose,
    });
  };
  const heldKey = (purpose: "signing" | "encryption") =>
    keys.findLast((key) => key.purpose === purpose && key.held && key.fingerprint !== namespace)?.fingerprint;
  switch (next?.name) {
    case "identity-key":
      await generate(api, url, "signing", undefined, `${identifier}-namespace`);
      return true;
    case "namespace-delegation":
      await api.call(url, TopologyManagerWriteServiceClient, "authorizeNamespaceDelegation", {
        authorization: authorizationData(),
        namespace: namespace ?? "",
        fingerprintOfAuthorizedKey: namespace ?? "",
        isRootDelegation: true,
      });
      return true;
    case "init-id": {
      const request = { identifier, fingerprint: namespace ?? "", instance: "" };
      await api.call(url, InitializationServiceClient, "initId", request);
      return true;
    }
    case "signing-key":
      await generate(api, url, "signing", undefined, `${identifier}-signing`);
      return true;
    case "encryption-key":
      await generate(api, url, "encryption", undefined, `${identifier}-encryption`);
      return true;
    case "signing-key-mapping":
      await map(`PAR::${uid}`, "signing", heldKey("signing") ?? "");
      return true;
    case "encryption-key-mapping":
      await map(`PAR::${uid}`, "encryption", heldKey("encryption") ?? "");
      return true;
    case "domain-parameters":
      await api.call(url, TopologyManagerWriteServiceClient, "authorizeDomainParametersChange", {
        authorization: { ...authorizationData(), change: TopologyChangeOp.Replace },
        domain: uid ?? "",
        parameters: {
          $case: "parametersV1",
          value: dynamicDomainParametersToProto(defaultDynamicDomainParameters()),
        },
      });
      return true;
    case "domain-manager-key-mapping": {
      const fingerprint = heldKey("signing") ?? (await generate(api, url, "signing", undefined, "DOM-signing-key"));
      await map(`DOM::${uid}`, "signing", fingerprint);
      return true;
    }
    default:
      // The rest of a domain needs the keys and the addresses of its other nodes.
      return false;
  }
}
