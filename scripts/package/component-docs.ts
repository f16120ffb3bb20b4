/** What doc comments say of the components of the package, for those who read its schema. */
import { join } from "node:path";
import ts from "typescript";
import { root } from "../environment/paths.ts";

/** Doc comments of one component. */
export interface ComponentDocs {
  readonly description: string;
  /** Of arguments, by their path. Example: `"network.range"`. What an array holds has the path of the array. */
  readonly args: ReadonlyMap<string, string>;
  /** Of outputs, by name: what the class declares itself. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Reads the doc comments of all components that a file exports. Those of arguments are found where a schema of zod has its keys:
 * types that are derived from it lead there.
 *
 * @param file path in the clone. Example: `"stacks/published/components.ts"`
 * @returns by name of the component
 */
export function readComponentDocs(file: string): ReadonlyMap<string, ComponentDocs> {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root, undefined, undefined, undefined, undefined);
  const program = ts.createProgram({ rootNames: [join(root, file)], options });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, file));
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file}: is no module; expected one that exports components`);

  const commentOf = (symbol: ts.Symbol) =>
    ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\s*\n\s*/g, " ");
  const argsBelow = (type: ts.Type, path: string): [string, string][] =>
    type.getProperties().flatMap((property) => {
      const key = `${path}${property.name}`;
      const value = checker.getNonNullableType(checker.getTypeOfSymbol(property));
      const entry = checker.isArrayType(value) ? checker.getTypeArguments(value as ts.TypeReference)[0] : value;
      const isSection = entry !== undefined && (entry.flags & ts.TypeFlags.Object) !== 0;
      return [[key, commentOf(property)], ...(isSection ? argsBelow(entry, `${key}.`) : [])];
    });

  const docs = new Map<string, ComponentDocs>();
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.valueDeclaration;
    if (declaration === undefined || !ts.isClassDeclaration(declaration)) continue;
    const args = declaration.members.find(ts.isConstructorDeclaration)?.parameters[1];
    if (args === undefined) throw new Error(`${symbol.name}: has no constructor with arguments`);
    const outputs = declaration.members.filter(ts.isPropertyDeclaration).map((member) => {
      const property = checker.getSymbolAtLocation(member.name) as ts.Symbol;
      return [property.name, commentOf(property)] as const;
    });
    docs.set(symbol.name, {
      description: commentOf(symbol),
      args: new Map(argsBelow(checker.getTypeAtLocation(args), "")),
      outputs: new Map(outputs),
    });
  }
  return docs;
}
