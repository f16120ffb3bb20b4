/** What a stack keeps for bad days: dumps of who each node is, and of databases. */
import { getStack, type Input, type Output, output, type Resource, secret } from "@pulumi/pulumi";
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import { nameWithin } from "@pulumi-canton/components/deployment/names.ts";
import type { Domain } from "@pulumi-canton/components/domain/domain.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { DatabaseBackup } from "@pulumi-canton/components/recovery/database-backup.ts";
import { IdentityDump } from "@pulumi-canton/components/recovery/identity-dump.ts";
import { peersOf } from "./applications.ts";
import type { KubernetesConfig } from "./config.ts";
import type { ChosenPlatform } from "./platform.ts";
import type { PlannedNode } from "./platform-config.ts";
import { backupUrl, identityDigest, planBackups } from "./recovery-config.ts";

/** Dumps who the domain manager and the participants are, once all that the stack has them do is done; by node. */
export function dumpIdentities(
  config: KubernetesConfig,
  domain: Domain | undefined,
  participants: ReadonlyMap<string, Participant>,
): Record<string, Output<string>> {
  const { identityDumps } = config;
  if (identityDumps === undefined) return {};
  const { passphraseFile } = identityDumps;
  const changesWith = identityDigest(config);
  // With all that is below them: what one has done changes others, such as a party that another hosts.
  const dependsOn = [...(domain ? [domain] : []), ...participants.values()];
  const dump = (name: string, role: "participant" | "domain-manager", of: Domain | Participant, node: Resource) =>
    new IdentityDump(
      `${name}-identity-dump`,
      { node: of.adminApi, role, passphraseFile, changesWith },
      { dependsOn, deletedWith: node },
    ).content;
  return Object.fromEntries([
    ...(domain ? [["domain-manager", dump("domain-manager", "domain-manager", domain, domain.manager.resource)]] : []),
    ...[...participants].map(([name, participant]) => [
      name,
      dump(name, "participant", participant, participant.node.resource),
    ]),
  ]);
}

/** Has the databases of the stack backed up, and the dumps of identities with them. */
export function makeBackups(
  config: KubernetesConfig,
  nodes: readonly PlannedNode[],
  identityDumps: Readonly<Record<string, Output<string>>>,
  chosen: ChosenPlatform,
): void {
  const { backups, sharedNamespace } = config;
  const { platform, deployment, namespace, infrastructure, outside } = chosen;
  const url = backupUrl(config, infrastructure);
  if (backups === undefined || url === undefined) return;
  const { image, endpoint, region, credentials, keepDays, deadlineMinutes, scratchGiB, storage } = backups;
  const { cluster } = infrastructure ?? {};
  const storageClass =
    backups.storageClass ?? (cluster?.storageClassToMake === undefined ? cluster?.storageClass : undefined);
  for (const planned of planBackups(config, nodes, infrastructure)) {
    const server = planned.server === "nodes" ? chosen.databases : chosen.sequencerBackend;
    if (server === undefined) throw new Error("backups were not checked");
    new DatabaseBackup(
      sharedNamespace ? nameWithin({ length: 52 }, planned.name, stackName()) : planned.name,
      {
        deployment,
        namespace,
        workloadIdentity: cluster?.workloadIdentity,
        image,
        server: withLogins(server, planned.logins),
        url,
        schedule: planned.schedule,
        deadlineMinutes,
        scratchGiB,
        ...(endpoint !== undefined && { endpoint }),
        ...(region !== undefined && { region }),
        ...(credentials !== undefined && { credentials }),
        ...(keepDays !== undefined && { keepDays }),
        ...(storageClass !== undefined && { storageClass }),
        ...(planned.server === "nodes" && { identityDumps }),
        databases: peersOf(outside.databases.map(({ peer }) => peer)),
        storage,
      },
      { providers: [platform.provider], dependsOn: [platform] },
    );
  }
}

/** A server with those of its logins, in their order. */
function withLogins(server: Input<DatabaseServerState>, names: readonly string[]): Output<DatabaseServerState> {
  return secret(
    output(server).apply(({ logins, ...rest }) => ({
      ...rest,
      logins: Object.fromEntries(
        names.map((name) => {
          const login = logins[name];
          if (login === undefined) throw new Error(`there is no login for ${name}`);
          return [name, login];
        }),
      ),
    })),
  );
}

/** The stack, as names of objects have it. */
function stackName(): string {
  return getStack()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
