/** Pulumi's view of the stack's certificate authority. */
import { existsSync } from "node:fs";
import { stepProvider } from "../../dynamic/step-provider.ts";
import { authorityFiles, ensureAuthority, removeAuthority } from "./certificates.ts";
import { localHome } from "./home.ts";

/** What the resource takes. */
export interface AuthorityInputs {
  /** Absolute path of the home. */
  readonly home: string;
}

/** What the resource gives out. */
export interface AuthorityOutputs {
  /** PEM file that clients trust. */
  readonly caFile: string;
}

/** See `thinProvider`. */
export const provider = stepProvider<AuthorityInputs, AuthorityOutputs>({
  inputs: ["home"],
  identity: ["home"],
  id: () => "certificate-authority",
  converge: async ({ home }) => ({ caFile: await ensureAuthority(localHome(home)) }),
  observe: async ({ home }) => {
    const files = authorityFiles(localHome(home));
    return existsSync(files.certificate) && existsSync(files.privateKey) ? { is: "present" } : { is: "absent" };
  },
  remove: async ({ home }) => removeAuthority(localHome(home)),
});
