import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { secret, type Values } from "../wire.ts";
import { type Cloud, type Making, textIn, typeIn } from "./cloud.ts";

const kinds = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
  special: "!@#$%&*()-_=+[]{}<>:?",
} as const;

/** A text of as many characters, with at least as many of each kind as asked for. */
function characters({ inputs }: Making): string {
  const length = Number(inputs["length"]);
  const used = Object.entries(kinds).flatMap(([kind, usual]) => {
    if (inputs[kind] === false) return [];
    const set = (kind === "special" && textIn(inputs, "overrideSpecial")) || usual;
    return [{ set, least: Number(inputs[`min${kind[0]?.toUpperCase()}${kind.slice(1)}`] ?? 0) }];
  });
  const pick = (set: string) => set[randomInt(set.length)] as string;
  const picked = used.flatMap(({ set, least }) => Array.from({ length: least }, () => pick(set)));
  const all = used.map(({ set }) => set).join("");
  while (picked.length < length) picked.push(pick(all));
  return picked
    .map((character) => ({ character, place: randomInt(2 ** 32) }))
    .sort((a, b) => a.place - b.place)
    .map(({ character }) => character)
    .join("");
}

/** What is drawn once and then stays. */
function drawn(making: Making): Values {
  const { inputs, token } = making;
  const defaults = {
    lower: true,
    upper: true,
    numeric: true,
    number: true,
    special: true,
    minLower: 0,
    minUpper: 0,
    minNumeric: 0,
    minSpecial: 0,
  };
  switch (typeIn(token)) {
    case "index/randomPassword:RandomPassword":
      return {
        ...defaults,
        result: secret(characters(making)),
        bcryptHash: secret(`$2a$10$${randomBytes(40).toString("base64url").slice(0, 53)}`),
      };
    case "index/randomString:RandomString":
      return { ...defaults, result: characters(making) };
    case "index/randomUuid:RandomUuid":
      return { result: randomUUID() };
    case "index/randomInteger:RandomInteger":
      return { result: randomInt(Number(inputs["min"]), Number(inputs["max"]) + 1) };
    case "index/randomId:RandomId":
    case "index/randomBytes:RandomBytes": {
      const bytes = randomBytes(Number(inputs["byteLength"] ?? inputs["length"]));
      const prefix = textIn(inputs, "prefix") ?? "";
      const forms = {
        hex: `${prefix}${bytes.toString("hex")}`,
        b64Url: `${prefix}${bytes.toString("base64url")}`,
        b64Std: `${prefix}${bytes.toString("base64")}`,
      };
      if (token.endsWith(":RandomBytes")) return { hex: secret(forms.hex), base64: secret(bytes.toString("base64")) };
      return { ...forms, dec: `${prefix}${BigInt(`0x${bytes.toString("hex")}`)}` };
    }
    default:
      throw new Error(
        `${token} is not built: the stand-in draws RandomPassword, RandomString, RandomUuid, RandomInteger, RandomId and RandomBytes`,
      );
  }
}

/** Random values: they are really random, and secret where the real provider's are. */
export const random: Cloud = {
  autoName: () => undefined,
  nameFrom: (name) => name,
  createOnly: () => ["*"],
  id: (making) => making.seed.slice(0, 16),
  outputs: (making) => (Object.keys(making.before).length > 0 ? making.before : drawn(making)),
  occupies: () => undefined,
  text: () => undefined,
  handles: () => [],
};
