import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { haveObserved, isOurs, observedFolder, readObserved } from "../testing/observed.ts";
import { RecordedWorld } from "../testing/recorded-world.ts";

if (!haveObserved) {
  console.warn(`SKIPPED: replaying what a real Canton answered: there are no recordings at ${observedFolder.pathname}`);
}

/** Recordings in which the two sides hold different things: which fields there are is compared, not what is in them. */
const shapesOnly = new Map([
  ["raw-CurrentTime.json", "a time"],
  ["raw-ListParties-limit-1.json", "which party comes first is up to the node"],
  ["dars.upload.json", "vetting is the work of the package service"],
  ["dars.upload-again.json", "vetting is the work of the package service"],
  ["dars.upload-p2.json", "vetting is the work of the package service"],
]);

/** What happened in between on services that are not ours. */
type Step = string | ((world: RecordedWorld) => Promise<void>);

const namespace1 = "122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec";

/** A participant vets packages when it starts. */
const vets =
  (name: string): Step =>
  async (world) => {
    const list = readObserved("topology.vetted_packages.list.json")[0]?.responses[0];
    const packageIds = (list as { results: { item: { package_ids: string[] } }[] }).results[0]?.item.package_ids ?? [];
    const participant = `PAR::${await world.node(name).identity.get()}`;
    await world.authorize(name, { kind: "VettedPackages", participant, packageIds });
  };

/** AllocateParty authorises that the participant hosts the party. */
const hosts =
  (party: string): Step =>
  (world) =>
    world.authorize("participant1", {
      kind: "PartyToParticipant",
      side: "Both",
      party: `${party}::${world.ours(namespace1)}`,
      participant: `PAR::participant1::${world.ours(namespace1)}`,
      permission: "Submission",
    });

const joins =
  (name: string): Step =>
  (world) =>
    world.join(name);

/** The first run: one domain, three participants, in the order in which it was recorded. */
const firstRun: readonly Step[] = [
  "rp.health.status.json",
  "rd.health.status.json",
  "rp.id.json",
  "rp2.id.json",
  "rp3.id.json",
  "rd.id.json",
  "rd.participants.list-empty.json",
  "rd.participants.set_state.json",
  "rd.participants.set_state-no-sync.json",
  "rd.participants.set_state-unknown-participant.json",
  "rd.participants.list.json",
  "rd.participants.active-before-connect.json",
  vets("participant1"),
  vets("participant2"),
  joins("participant1"),
  joins("participant2"),
  "rd.participants.active.json",
  "domains.active.json",
  "parties.enable.json",
  "refusal-parties.enable-twice.json",
  "parties.enable-wait-all-sync.json",
  "parties.hosted.json",
  "parties.list.json",
  "parties.find.json",
  "parties.disable.json",
  hosts("Dave"),
  hosts("party-a42cb677-4b03-455e-9136-8ac500810215"),
  "keys.secret.list.json",
  "rd.keys.secret.list.json",
  "keys.secret.generate_signing_key.json",
  "keys.secret.generate_signing_key-no-name.json",
  "keys.secret.generate_encryption_key.json",
  "keys.secret.list-filter.json",
  "keys.secret.download.json",
  "keys.public.list.json",
  "keys.public.download.json",
  "keys.public.upload.json",
  "keys.secret.upload.json",
  "keys.secret.delete.json",
  "keys.public.list_owners.json",
  "keys.public.list_by_owner.json",
  "keys.secret.rotate_node_keys.json",
  "topology.stores.list.json",
  "rd.topology.stores.list.json",
  "topology.owner_to_key_mappings.authorize.json",
  "refusal-topology.owner_to_key_mappings.authorize-twice.json",
  "topology.owner_to_key_mappings.authorize-remove.json",
  "topology.owner_to_key_mappings.list.json",
  "topology.owner_to_key_mappings.list-authorized.json",
  "topology.namespace_delegations.authorize.json",
  "topology.namespace_delegations.list.json",
  "parties.enable-signed-by-delegate.json",
  "topology.identifier_delegations.authorize.json",
  "topology.identifier_delegations.list.json",
  "topology.identifier_delegations.authorize-remove.json",
  "topology.party_to_participant_mappings.authorize.json",
  "topology.party_to_participant_mappings.authorize-other-permission.json",
  "topology.party_to_participant_mappings.list.json",
  "topology.vetted_packages.list.json",
  "topology.all.list.json",
  "rd.topology.all.list.json",
  "rd.topology.participant_domain_states.list.json",
  "rd.topology.mediator_domain_states.list.json",
  "topology.participant_domain_states.list.json",
  "rd.service.get_dynamic_domain_parameters.json",
  "rd.service.update_dynamic_parameters.json",
  "dars.upload.json",
  "dars.upload-again.json",
  "dars.upload-p2.json",
  "parties.enable-wait-disconnected.json",
  "rd.participants.set_state-p3.json",
  joins("participant3"),
  "rd.participants.set_state-Observation.json",
  "rd.participants.set_state-Disabled.json",
  "rd.participants.list-after.json",
  "cookbook-parties.enable.json",
  "cookbook-parties.enable-Gottlieb.json",
  "cookbook-parties.disable-Gottlieb.json",
  "cookbook-parties.list-Gottlieb.json",
  "refusal-rd.participants.set_state-same-again.json",
  "refusal-parties.disable-twice.json",
  "refusal-parties.disable-unknown.json",
  "refusal-keys.secret.download-unknown.json",
  "refusal-topology.owner_to_key_mappings.remove-absent.json",
  "refusal-topology.owner_to_key_mappings.remove-last-encryption-key.json",
  "refusal-topology.owner_to_key_mappings.unknown-key.json",
  "refusal-authorize-signed-by-key-not-held.json",
  "refusal-authorize-signed-by-undelegated-key.json",
  "refusal-authorize-foreign-namespace.json",
  hosts("Eve"),
  "refusal-topology.party_to_participant_mappings.authorize-twice.json",
  "refusal-topology.party_to_participant_mappings.remove-absent.json",
  "refusal-topology.party_to_participant_mappings.foreign-party.json",
  "raw-set_state-bad-participant-id.json",
  "raw-set_state-participant-with-PAR-prefix.json",
  "raw-set_state-participant-without-PAR-prefix.json",
  "raw-set_state-empty-domain.json",
  "raw-set_state-bad-fingerprint.json",
  "raw-set_state-missing-permission.json",
  "raw-set_state-missing-trust-level.json",
  "raw-set_state-missing-authorization.json",
  "raw-set_state-wrong-domain.json",
  "raw-set_state-replace-existing-false.json",
  "raw-set_state-remove-absent.json",
  "raw-party-invalid-hint.json",
  "raw-party-without-namespace.json",
  "raw-party-empty-name.json",
  "raw-party-too-long-name.json",
  "raw-party-double-colon-name.json",
  "raw-party-missing-side.json",
  "raw-party-unknown-signed-by.json",
  "raw-party-participant-without-PAR-prefix.json",
  "raw-AddSignedTopologyTransaction-broken.json",
  "raw-InitId-already-initialised.json",
  "raw-CurrentTime.json",
  "raw-read-no-base_query.json",
  "raw-read-no-time-query.json",
  "raw-read-unknown-store.json",
  "raw-read-filter-operation-remove.json",
  "raw-ListParties-limit-1.json",
  "raw-ListParties-limit-0.json",
  "raw-ListParties-bad-filter-domain.json",
  "raw-ImportKeyPair-broken.json",
  "raw-ImportPublicKey-broken.json",
  "raw-ExportKeyPair-bad-fingerprint.json",
  "raw-ExportKeyPair-bad-protocol-version.json",
  "raw-GenerateSigningKey-each-scheme.json",
  "raw-GenerateEncryptionKey-each-scheme.json",
  "raw-GenerateSigningKey-same-name-twice.json",
  "raw-DeleteKeyPair-unknown.json",
  "manual-participant-0-status.json",
  "manual-participant-0-id.json",
  "manual-participant-1-generate_signing_key.json",
  "manual-participant-2-namespace_delegation.json",
  "manual-participant-3-init_id.json",
  "manual-participant-3b-init_id-again.json",
  "manual-participant-4-generate_encryption_key.json",
  "manual-participant-4b-generate_signing_key.json",
  "manual-participant-5-id.json",
  "manual-participant-6-owner_to_key_mappings.json",
  "manual-domain-0-status.json",
  "manual-domain-1-generate_signing_key.json",
  "manual-domain-2-init_id.json",
  "manual-domain-3-namespace_delegation.json",
  "manual-domain-4-domain_parameters.json",
  "manual-domain-5-keys.json",
  "manual-domain-6-mediator_domain_states.json",
  "manual-domain-8-id.json",
];

/** A party on two nodes, from a second run. */
const secondRun: readonly Step[] = [
  async (world) => {
    for (const name of ["participant1", "participant2"]) {
      await world.authorize("mydomain", {
        kind: "ParticipantState",
        side: "From",
        domain: world.domain.domainId,
        participant: `PAR::${await world.node(name).identity.get()}`,
        permission: "Submission",
        trustLevel: "Ordinary",
      });
      await world.join(name);
    }
  },
  "cookbook-two-nodes-0-parties.enable.json",
  "cookbook-two-nodes-1-authorize-To.json",
  "cookbook-two-nodes-1b-parties.list.json",
  "cookbook-two-nodes-3-authorize-From.json",
  "cookbook-two-nodes-4-parties.list.json",
  "cookbook-two-nodes-5-timestamp.json",
];

for (const [name, story] of Object.entries({ "first run": firstRun, "second run": secondRun })) {
  describe.skipIf(!haveObserved)(`what a real Canton answered, ${name}`, () => {
    let world: RecordedWorld;
    beforeAll(async () => {
      world = await RecordedWorld.start(story.filter((step) => typeof step === "string"));
    }, 120_000);
    afterAll(async () => world?.[Symbol.asyncDispose]());

    for (const [index, step] of story.entries()) {
      if (typeof step === "string") it(step, () => world.replay(step, { shapesOnly: shapesOnly.has(step) }));
      else it(`what happens in between, ${index}`, () => step(world));
    }
  });
}

describe.skipIf(!haveObserved)("the recordings", () => {
  it("are replayed, all that call services of ours, but for those that are named here", () => {
    const replayed = new Set([...firstRun, ...secondRun]);
    const files = readFileSync(new URL("INDEX.md", observedFolder), "utf8").matchAll(/^\| ([\w.-]+\.json) \|/gm);
    const left = [...files].map(([, file]) => file ?? "").filter((file) => !replayed.has(file));
    const services = /TopologyManager|TopologyAggregation|VaultService|InitializationService/;
    expect(
      left.filter((file) => readObserved(file).some((call) => isOurs(call) && services.test(call.method))),
    ).toEqual([
      // asks for the parties of a participant that only a run with contracts has
      "ledger_api.commands.submit.json",
      // what an open domain authorises by itself
      "manual-domain-9c-participants.list.json",
      "manual-domain-9d-domain-state.json",
    ]);
  });
});
