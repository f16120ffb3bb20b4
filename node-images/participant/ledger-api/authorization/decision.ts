import { type Claims, includesParty } from "./claims.ts";
import { type Requirement, textAt, withTextAt } from "./requirement.ts";

/** What becomes of a call: the request to answer, or why it is not answered. */
export type Decision<R> =
  | { readonly kind: "permitted"; readonly request: R }
  | { readonly kind: "denied"; readonly reason: string }
  /** The request lacks what only an authenticated user would have completed. */
  | { readonly kind: "invalid"; readonly reason: string };

/** Decides whether a caller may make a call, and completes the request with what is known of the caller. */
export function decide<R>(claims: Claims, requirements: readonly Requirement[], request: R): Decision<R> {
  let decided: Decision<R> = { kind: "permitted", request };
  for (const requirement of requirements) {
    decided = decideOne(claims, requirement, decided.request);
    if (decided.kind !== "permitted") return decided;
  }
  return decided;
}

function decideOne<R>(claims: Claims, requirement: Requirement, request: R): Decision<R> {
  const permitted: Decision<R> = { kind: "permitted", request };
  const denied = (reason: string): Decision<R> => ({ kind: "denied", reason });
  const isAdmin = claims.participantAdmin || claims.identityProviderAdmin;
  switch (requirement.need) {
    case "public":
      return permitted;
    case "participantAdmin":
      return claims.participantAdmin ? permitted : denied("the caller is no participant administrator");
    case "admin":
      return isAdmin ? permitted : denied("the caller is no administrator");
    case "actAs":
      return includesParty(claims.actAs, requirement.party)
        ? permitted
        : denied(`the caller may not act as party ${requirement.party}`);
    case "readAs":
      return includesParty(claims.readAs, requirement.party)
        ? permitted
        : denied(`the caller may not read as party ${requirement.party}`);
    case "ownIdentityProvider": {
      const own = claims.identityProviderId;
      const named = textAt(request, requirement.field);
      // A participant's administrator who names no provider means the default one.
      const completed =
        named === "" && !claims.participantAdmin ? withTextAt(request, requirement.field, own) : request;
      if (own === "" || textAt(completed, requirement.field) === own) return { kind: "permitted", request: completed };
      return denied(`the caller belongs to identity provider ${own}, the request is about "${named}"`);
    }
    case "ownUserOrAdmin": {
      const user = textAt(request, requirement.field);
      if (claims.userId !== undefined && (user === "" || user === claims.userId)) {
        return { kind: "permitted", request: withTextAt(request, requirement.field, claims.userId) };
      }
      if (user === "") {
        return {
          kind: "invalid",
          reason: "requests with an empty user-id are only supported if there is an authenticated user",
        };
      }
      return isAdmin ? permitted : denied(`the caller is neither user ${user} nor an administrator`);
    }
    case "ownUser": {
      const user = textAt(request, requirement.field);
      if (claims.userId === undefined) {
        return user === ""
          ? { kind: "invalid", reason: "requests need an application id where nobody is authenticated" }
          : permitted;
      }
      if (user === "" || user === claims.userId) {
        return { kind: "permitted", request: withTextAt(request, requirement.field, claims.userId) };
      }
      return denied(`the caller is user ${claims.userId}, the request is made as ${user}`);
    }
  }
}
