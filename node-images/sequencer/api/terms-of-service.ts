/** The terms of service that the operator of the domain has configured. */
import { readFile } from "node:fs/promises";
import type { ServiceAgreement } from "@pulumi-canton/protocol/service-agreement.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describeError } from "@pulumi-canton/runtime/errors.ts";
import type { SequencerConfig } from "../config.ts";

/** Longest text of terms, in bytes: with it the answer of GetServiceAgreement stays well below the limit of a gRPC message. */
const maxTextBytes = 1024 * 1024;

/**
 * Reads the terms, when there are any.
 *
 * @throws ConfigError when the file cannot be read, is empty, too long, or no UTF-8
 */
export async function readTermsOfService({
  termsOfService,
}: Pick<SequencerConfig, "termsOfService">): Promise<ServiceAgreement | undefined> {
  if (termsOfService === undefined) return undefined;
  const { id, textFile } = termsOfService;
  const refuse = (why: string) => new ConfigError([`termsOfService.textFile: ${textFile} ${why}`]);
  const bytes = await readFile(textFile).catch((error: unknown) => {
    throw refuse(`cannot be read: ${describeError(error)}`);
  });
  if (bytes.length > maxTextBytes) throw refuse(`has ${bytes.length} bytes; at most ${maxTextBytes} are accepted`);
  const legalText = bytes.toString("utf8");
  if (!Buffer.from(legalText, "utf8").equals(bytes)) throw refuse("is not UTF-8 text");
  if (legalText.trim() === "") throw refuse("is empty; expected the text that participants have to accept");
  return { id, legalText };
}
