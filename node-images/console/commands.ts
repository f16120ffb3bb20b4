import type { Command } from "commander";
import { registerDomainParameters } from "./commands/domain-parameters.ts";
import { registerDomains } from "./commands/domains.ts";
import { registerIdentity } from "./commands/identity.ts";
import { registerIdentityProviders } from "./commands/identity-providers.ts";
import { registerInit } from "./commands/init.ts";
import { registerKeys } from "./commands/keys.ts";
import { registerLedgerParties } from "./commands/ledger-parties.ts";
import { registerLogs } from "./commands/logs.ts";
import { registerParticipants } from "./commands/participants.ts";
import { registerParties } from "./commands/parties.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTopology } from "./commands/topology.ts";
import { registerTrace } from "./commands/trace.ts";
import { registerUsers } from "./commands/users.ts";
import type { ConsoleContext } from "./console-context.ts";

/** Adds the commands of one group to the console. */
export type Register = (program: Command, context: ConsoleContext) => void;

/** All commands, as `console --help` lists them. */
export const commandGroups: readonly { readonly title: string; readonly register: readonly Register[] }[] = [
  { title: "Look", register: [registerStatus, registerLogs, registerTrace] },
  {
    title: "The domain and its participants",
    register: [registerParticipants, registerDomainParameters, registerDomains],
  },
  {
    title: "Parties and users",
    register: [registerParties, registerLedgerParties, registerUsers, registerIdentityProviders],
  },
  { title: "Keys and topology", register: [registerKeys, registerTopology, registerInit, registerIdentity] },
];
