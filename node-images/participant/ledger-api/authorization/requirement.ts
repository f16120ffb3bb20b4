/** Where a text stands in a request: the names of the fields that lead to it. */
export type FieldPath = readonly [string, ...string[]];

/**
 * What a call needs of its caller. All requirements of a call must be met, in their order; some complete the request.
 * Every one presupposes an authenticated caller.
 */
export type Requirement =
  /** Anybody who is authenticated. */
  | { readonly need: "public" }
  | { readonly need: "participantAdmin" }
  /** Of the participant, or of the caller's identity provider. */
  | { readonly need: "admin" }
  | { readonly need: "actAs"; readonly party: string }
  | { readonly need: "readAs"; readonly party: string }
  /** The request is about the caller's own identity provider; one that names none is about that one. */
  | { readonly need: "ownIdentityProvider"; readonly field: FieldPath }
  /** The request is about the caller's own user, which is meant when it names none, or an administrator asks. */
  | { readonly need: "ownUserOrAdmin"; readonly field: FieldPath }
  /** The request is made as the caller's user, which is meant when it names none (`application_id` in v1). */
  | { readonly need: "ownUser"; readonly field: FieldPath };

/** What the calls of one rpc need: `open` for those that ask nobody who they are. */
export type Rule<R> = "open" | ((request: R) => readonly Requirement[]);

/** The text in a field of a request; empty when the message that has it is not there. */
export function textAt(request: unknown, [name, ...rest]: FieldPath): string {
  const value = (request as Record<string, unknown> | undefined)?.[name];
  if (isPath(rest)) return textAt(value, rest);
  return typeof value === "string" ? value : "";
}

/** The request with another text in a field; the same when the message that has it is not there. */
export function withTextAt<R>(request: R, [name, ...rest]: FieldPath, text: string): R {
  if (request === undefined) return request;
  const value = (request as Record<string, unknown>)[name];
  return { ...request, [name]: isPath(rest) ? withTextAt(value, rest, text) : text };
}

function isPath(names: readonly string[]): names is FieldPath {
  return names.length > 0;
}
