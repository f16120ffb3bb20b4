/** Puts the paths of a node's files in the place of what its configuration calls them, wherever it does. Pure. */
export function withPaths<T>(config: T, paths: Readonly<Record<string, string>>): T {
  if (typeof config === "string") return (Object.hasOwn(paths, config) ? paths[config] : config) as T;
  if (Array.isArray(config)) return config.map((each) => withPaths(each, paths)) as T;
  if (typeof config !== "object" || config === null) return config;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, withPaths(value, paths)])) as T;
}
