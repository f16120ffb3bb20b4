/** Reads a resource type out of an SDK's declaration files. They are generated, so their syntax says all: no type is computed. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Properties, Property, ResourceSchema, Shape } from "./schema.ts";
import type { Sdk } from "./sdk.ts";

/** Documentation that says that a change is a replacement. */
const replaces =
  /forces? (?:a )?(?:new resource|replacement|re-?creation)|force a new resource|changing this (?:will )?forces?/i;

/**
 * One resource type.
 *
 * @param declaration the file that declares it
 * @throws Error naming what in the declarations is not understood
 */
export function extract(sdk: Sdk, token: string, declaration: string): ResourceSchema {
  return new Extraction(sdk, token).run(declaration);
}

class Extraction {
  readonly #sdk: Sdk;
  readonly #token: string;
  readonly #objects: Record<string, Properties> = {};
  readonly #waiting: string[] = [];

  constructor(sdk: Sdk, token: string) {
    this.#sdk = sdk;
    this.#token = token;
  }

  run(declaration: string): ResourceSchema {
    const text = readFileSync(declaration, "utf8");
    const source = parse(text);
    const name = this.#token.split(":").at(-1);
    const resource = source.statements.find((node) => ts.isClassDeclaration(node) && node.name?.text === name);
    const args = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === `${name}Args`);
    if (!resource || !ts.isClassDeclaration(resource)) throw new Error(`${declaration}: expected a class ${name}`);
    const members = args && ts.isInterfaceDeclaration(args) ? [...args.members] : [];
    const inputs = this.#properties(members);
    const outputs = this.#properties(resource.members.filter((member) => ts.isPropertyDeclaration(member)));
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      if (!(next in this.#objects)) this.#objects[next] = this.#properties(membersOf(this.#sdk, next));
    }
    const idTemplate = /## Import[\s\S]*?^ \* \* `(\S*\{\{\S+\}\}\S*)`/m.exec(text)?.[1];
    return {
      token: this.#token,
      inputs,
      outputs,
      objects: this.#objects,
      documentedReplacements: members.filter((member) => replaces.test(documentation(member))).flatMap(nameOf),
      ...(idTemplate !== undefined && { idTemplate }),
    };
  }

  #properties(members: readonly (ts.TypeElement | ts.ClassElement)[]): Properties {
    const properties: Record<string, Property> = {};
    for (const member of members) {
      if (!ts.isPropertySignature(member) && !ts.isPropertyDeclaration(member)) continue;
      const [name] = nameOf(member);
      if (name === undefined || member.type === undefined) continue;
      const shape = this.#shape(member.type);
      // An output says in its type that it may be missing.
      const optional = member.questionToken !== undefined || mayBeUndefined(member.type);
      if (shape !== undefined) properties[name] = { shape, optional };
    }
    return properties;
  }

  /** Undefined for what is no value: a reference to a resource, which goes over the wire as its id. */
  #shape(node: ts.TypeNode): Shape | undefined {
    if (ts.isParenthesizedTypeNode(node)) return this.#shape(node.type);
    if (ts.isArrayTypeNode(node)) return arrayOf(this.#shape(node.elementType));
    if (ts.isUnionTypeNode(node)) return this.#union(node.types);
    if (ts.isTypeLiteralNode(node)) {
      const [index] = node.members;
      if (index === undefined || !ts.isIndexSignatureDeclaration(index)) throw this.#unknown(node);
      return { kind: "map", values: this.#shape(index.type) ?? { kind: "any" } };
    }
    if (ts.isLiteralTypeNode(node)) {
      if (ts.isStringLiteral(node.literal)) return { kind: "enum", values: [node.literal.text], open: false };
      if (node.literal.kind === ts.SyntaxKind.NullKeyword) return undefined;
      return { kind: "boolean" };
    }
    if (ts.isTypeReferenceNode(node)) return this.#reference(node);
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return { kind: "string" };
      case ts.SyntaxKind.NumberKeyword:
        return { kind: "number" };
      case ts.SyntaxKind.BooleanKeyword:
        return { kind: "boolean" };
      case ts.SyntaxKind.AnyKeyword:
      case ts.SyntaxKind.UnknownKeyword:
        return { kind: "any" };
      case ts.SyntaxKind.UndefinedKeyword:
        return undefined;
      default:
        throw this.#unknown(node);
    }
  }

  #union(types: readonly ts.TypeNode[]): Shape | undefined {
    const shapes = types.map((type) => this.#shape(type)).filter((shape) => shape !== undefined);
    const [first, ...more] = shapes;
    if (first === undefined || more.length === 0) return first;
    const values = shapes.flatMap((shape) => (shape.kind === "enum" ? shape.values : []));
    if (shapes.every(({ kind }) => kind === "enum")) return { kind: "enum", values, open: false };
    if (values.length > 0 && shapes.every(({ kind }) => kind === "enum" || kind === "string")) {
      return { kind: "enum", values, open: true };
    }
    const different = new Map(shapes.map((shape) => [JSON.stringify(shape), shape]));
    return different.size === 1 ? first : { kind: "union", of: [...different.values()] };
  }

  #reference({ typeName, typeArguments }: ts.TypeReferenceNode): Shape | undefined {
    const name = entityName(typeName);
    const [argument] = typeArguments ?? [];
    if ((name === "pulumi.Input" || name === "pulumi.Output") && argument !== undefined) return this.#shape(argument);
    if (name === "Array" && argument !== undefined) return arrayOf(this.#shape(argument));
    if (/^(inputs|outputs)\./.test(name)) {
      this.#waiting.push(name);
      return { kind: "object", name };
    }
    if (name.startsWith("enums.")) return { kind: "enum", values: valuesOf(this.#sdk, name), open: false };
    if (name === "ARN") return { kind: "string" };
    if (name.startsWith("pulumi.asset.")) return { kind: "any" };
    return undefined;
  }

  #unknown(node: ts.TypeNode): Error {
    return new Error(
      `${this.#token}: the declarations have a type of a kind that is not understood: ${ts.SyntaxKind[node.kind]}`,
    );
  }
}

function arrayOf(items: Shape | undefined): Shape {
  return { kind: "array", items: items ?? { kind: "any" } };
}

/** Members of `inputs.eks.ClusterVpcConfig`, by the one namespace that it is in: the whole file takes seconds. */
function membersOf(sdk: Sdk, name: string): readonly ts.TypeElement[] {
  const [file = "", ...path] = name.split(".");
  const found = interfacesOf(
    join(sdk.folder, "types", `${file.slice(0, -1)}.d.ts`),
    path.length > 1 ? path[0] : undefined,
  );
  const members = found.get(path.join("."));
  if (members === undefined) throw new Error(`${sdk.name}: there is no declaration of ${name}`);
  return members;
}

const interfaces = new Map<string, Map<string, readonly ts.TypeElement[]>>();

/** All interfaces of one namespace of a file, or those outside of any, by their whole name. */
function interfacesOf(file: string, namespace: string | undefined): Map<string, readonly ts.TypeElement[]> {
  const key = `${file}#${namespace ?? ""}`;
  const known = interfaces.get(key);
  if (known !== undefined) return known;
  const text = textOf(file);
  const start = namespace === undefined ? 0 : text.indexOf(`\nexport declare namespace ${namespace} {`);
  const end = namespace === undefined ? text.indexOf("\nexport declare namespace ") : text.indexOf("\n}", start) + 2;
  const found = new Map<string, readonly ts.TypeElement[]>();
  const collect = (statements: readonly ts.Statement[], path: string) => {
    for (const node of statements) {
      if (ts.isInterfaceDeclaration(node)) found.set(`${path}${node.name.text}`, [...node.members]);
      if (!ts.isModuleDeclaration(node) || node.body === undefined || !ts.isModuleBlock(node.body)) continue;
      collect(node.body.statements, `${path}${node.name.text}.`);
    }
  };
  if (start >= 0) collect(parse(text.slice(start, end < 0 ? undefined : end)).statements, "");
  interfaces.set(key, found);
  return found;
}

/** Values of `enums.network.Access`, which is a constant object. */
function valuesOf(sdk: Sdk, name: string): (string | number)[] {
  const path = name.split(".").slice(1);
  const file = join(sdk.folder, "types", "enums", ...path.slice(0, -1), "index.d.ts");
  const declared = existsSync(file)
    ? new RegExp(`^export declare const ${path.at(-1)}: \\{([^}]*)\\}`, "m").exec(textOf(file))?.[1]
    : undefined;
  if (declared === undefined) throw new Error(`${sdk.name}: there is no declaration of ${name}`);
  return [...declared.matchAll(/^\s*readonly [^:]+: ("(?:[^"\\]|\\.)*"|[\d.]+);/gm)].map(
    ([, value]) => JSON.parse(value as string) as string | number,
  );
}

const texts = new Map<string, string>();

function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(file, "utf8");
  texts.set(file, text);
  return text;
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.Latest, false);
}

function nameOf(member: ts.TypeElement | ts.ClassElement): string[] {
  const { name } = member;
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)) ? [name.text] : [];
}

function entityName(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : `${entityName(name.left)}.${name.right.text}`;
}

function mayBeUndefined(node: ts.TypeNode): boolean {
  if (node.kind === ts.SyntaxKind.UndefinedKeyword) return true;
  if (ts.isUnionTypeNode(node)) return node.types.some(mayBeUndefined);
  if (!ts.isTypeReferenceNode(node) || entityName(node.typeName) !== "pulumi.Output") return false;
  return (node.typeArguments ?? []).some(mayBeUndefined);
}

function documentation(node: ts.Node): string {
  const { jsDoc } = node as ts.Node & { readonly jsDoc?: readonly ts.JSDoc[] };
  return (jsDoc ?? [])
    .map(({ comment }) => (typeof comment === "string" ? comment : (ts.getTextOfJSDocComment(comment) ?? "")))
    .join("\n");
}
