/** How the domain's sequencers are: asked of their admin APIs when somebody wants to know. */
import { SequencerStatusServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/sequencer_status_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { SequencerPeer } from "../config.ts";
import type { SequencersStatus } from "../services/status-services.ts";

/** How long a sequencer may take to answer, in milliseconds: the status is asked for by people and tools that poll. */
const deadlineMs = 1_000;

/** Asks the configured sequencers. */
export class SequencersStatusReader {
  readonly #clients: SequencerStatusServiceClient[];

  constructor(peers: readonly SequencerPeer[]) {
    this.#clients = peers.map(({ adminApi }) => connect(SequencerStatusServiceClient, adminApi));
  }

  /** What the sequencers that answer say, taken together. One that does not answer counts as not active. */
  async read(): Promise<SequencersStatus> {
    const answers = await Promise.allSettled(
      this.#clients.map((client) => call(client, "sequencerStatus", {}, { deadlineMs })),
    );
    const connected = new Set<string>();
    let active = false;
    for (const answer of answers) {
      if (answer.status !== "fulfilled" || answer.value.kind?.$case !== "status") continue;
      const { sequencer, connectedParticipantsUid } = answer.value.kind.value;
      active ||= sequencer?.active ?? false;
      for (const participant of connectedParticipantsUid) connected.add(participant.replace(/^PAR::/, ""));
    }
    return { active, connectedParticipants: [...connected].sort() };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
