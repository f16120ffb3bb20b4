/** Agreeing on a protocol version. */
import { PROTOCOL_VERSION, PROTOCOL_VERSION_TEXT } from "@pulumi-canton/protocol/domain-parameters.ts";
import type {
  Handshake_Request,
  Handshake_Response,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/sequencing.ts";

/** The number of a protocol version: `5`, or, as older releases wrote it, `5.0.0`. */
function versionNumber(text: string): number {
  const match = /^(\d{1,9})(\.0\.0)?$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]);
}

/** Whether our protocol version is among those. */
export function speaksProtocolVersion(versions: readonly string[]): boolean {
  return versions.some((version) => versionNumber(version) === PROTOCOL_VERSION);
}

/** The answer to a handshake. */
export function answerHandshake(request: Handshake_Request): Handshake_Response {
  const serverProtocolVersion = PROTOCOL_VERSION_TEXT;
  const refuse = (reason: string): Handshake_Response => ({
    serverProtocolVersion,
    value: { $case: "failure", value: { reason } },
  });
  if (!speaksProtocolVersion(request.clientProtocolVersions)) {
    const offered = request.clientProtocolVersions.join(", ") || "none";
    return refuse(
      `The protocol version required by the server (${serverProtocolVersion}) is not among the supported protocol versions by the client: ${offered}`,
    );
  }
  const minimum = request.minimumProtocolVersion;
  if (minimum !== undefined && versionNumber(minimum) > PROTOCOL_VERSION) {
    return refuse(
      `The version required by the domain (${serverProtocolVersion}) is lower than the minimum version configured by the participant (${minimum})`,
    );
  }
  return { serverProtocolVersion, value: { $case: "success", value: {} } };
}
