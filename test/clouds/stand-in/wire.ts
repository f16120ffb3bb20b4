/** Values as the engine sends them: plain JSON, in which secrets and what is not known yet are marked. */
import { createHash } from "node:crypto";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";

/** Properties of a resource. */
export type Values = Readonly<Record<string, unknown>>;

/** Stands for a value that is known only after the update. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signature = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Whether a value will be known only after the update. */
export function isUnknown(value: unknown): boolean {
  return value === unknown;
}

/** Marks a value as secret. */
export function secret(value: unknown): unknown {
  return { [signature]: secretSignature, value };
}

/** Whether a value is marked as secret. */
export function isSecret(value: unknown): value is { readonly value: unknown } {
  return isObject(value) && value[signature] === secretSignature;
}

/** A value without the mark of a secret. */
export function secretValue(value: unknown): unknown {
  return isSecret(value) ? secretValue(value.value) : value;
}

/** Values without marks of secrets at any depth. */
export function inTheClear<T>(value: T): T {
  return mapped(value, (each) => (isSecret(each) ? { with: inTheClear(each.value) } : undefined)) as T;
}

/** Whether there is something unknown at any depth. */
export function hasUnknown(value: unknown): boolean {
  const plain = secretValue(value);
  if (isUnknown(plain)) return true;
  return typeof plain === "object" && plain !== null && Object.values(plain).some(hasUnknown);
}

/** A secret in the stand-in's own state. */
interface Hashed {
  readonly secretSha256: string;
}

/** Values with hashes in the place of secrets: what is kept on disk. */
export function hashed<T>(value: T): T {
  return mapped(value, (each) => (isSecret(each) ? { with: { secretSha256: hashOf(each.value) } } : undefined)) as T;
}

/** The opposite of {@link hashed}: secrets come from who knows them, if they are still the same. */
export function restored(value: unknown, from: unknown): unknown {
  const other = isSecret(value) ? value.value : value;
  if (isHashed(other)) {
    return secret(hashOf(secretValue(from)) === other.secretSha256 ? secretValue(from) : "changed by somebody else");
  }
  if (Array.isArray(other)) return other.map((item, index) => restored(item, (from as unknown[] | undefined)?.[index]));
  if (!isObject(other)) return other;
  const known = isObject(from) ? from : {};
  return Object.fromEntries(Object.entries(other).map(([key, item]) => [key, restored(item, known[key])]));
}

/** From the wire. */
export function fromStruct(struct: structPb.Struct | undefined): Values {
  return (struct?.toJavaScript() ?? {}) as Values;
}

/** To the wire. What is undefined is left out. */
export function toStruct(values: Values): structPb.Struct {
  return structPb.Struct.fromJavaScript(JSON.parse(JSON.stringify(values)));
}

function isHashed(value: unknown): value is Hashed {
  return isObject(value) && typeof value["secretSha256"] === "string";
}

function hashOf(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(inTheClear(value)) ?? "")
    .digest("hex");
}

function mapped(value: unknown, replace: (value: unknown) => { with: unknown } | undefined): unknown {
  const replaced = replace(value);
  if (replaced !== undefined) return replaced.with;
  if (Array.isArray(value)) return value.map((item) => mapped(item, replace));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapped(item, replace)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
