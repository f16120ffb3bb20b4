/** A key of Vault's or OpenBao's transit engine, which wraps the keys of nodes that run where no cloud has a key service. Pure. */
import { secretPath } from "../platform/kubernetes/layout.ts";

/** A key of a transit engine, and how nodes get at it. */
export interface VaultKeyArgs {
  /** Example: `"https://vault.example.com:8200"`. */
  readonly address: string;
  /** Where the transit engine is mounted. Default: `"transit"`. */
  readonly mount?: string;
  /** Name of the key. Example: `"canton-prod"`. */
  readonly key: string;
  /** Namespace of Vault Enterprise or OpenBao. Default: none. */
  readonly namespace?: string;
  /** PEM of the authorities of its certificate. Default: those that every machine knows. */
  readonly caPem?: string;
  /**
   * A token that may encrypt and decrypt with the key and nothing else, and is renewed or long-lived: a node needs it whenever it
   * starts. Give it as a secret.
   */
  readonly token: string;
}

/** What a platform has to give its nodes. */
export interface VaultKey {
  /** The section `crypto.keyEncryption` of the nodes' configuration. */
  readonly keyEncryption: Readonly<Record<string, unknown>>;
  /** Files that it names, by key of the nodes' Secrets. Secret. */
  readonly files: Readonly<Record<string, string>>;
}

const files = { token: "vault-token", authorities: "vault-ca.crt" } as const;

/**
 * What nodes on Kubernetes need to have their keys wrapped by a transit key: `keyEncryption` and `keyFiles` of `KubernetesPlatform`.
 *
 * Cost: none besides Vault, which is asked when a node starts and when its keys are encrypted anew.
 *
 * @throws Error naming the field that is wrong
 */
export function vaultKey({ address, mount = "transit", key, namespace, caPem, token }: VaultKeyArgs): VaultKey {
  const problems = [
    ...(/^https:\/\/[^/?#\s]+\/?$/.test(address) ? [] : [`address: got "${address}"; expected https://HOST:PORT`]),
    ...(/^[^/\s]\S*[^/\s]$/.test(mount)
      ? []
      : [`mount: got "${mount}"; expected a path of 2 characters or more, without / at its ends`]),
    ...(/^[^/\s]+$/.test(key) ? [] : [`key: got "${key}"; expected the name of a key of the transit engine`]),
    ...(/^\S+$/.test(token) ? [] : ["token: is empty or has spaces; expected a token of Vault"]),
    ...(caPem === undefined || caPem.includes("-----BEGIN CERTIFICATE-----")
      ? []
      : ["caPem: has no certificate; expected PEM"]),
  ];
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return {
    keyEncryption: {
      type: "vault",
      address,
      mount,
      keyId: key,
      tokenFile: secretPath(files.token),
      ...(namespace !== undefined && { namespace }),
      ...(caPem !== undefined && { caFile: secretPath(files.authorities) }),
    },
    files: { [files.token]: token, ...(caPem !== undefined && { [files.authorities]: caPem }) },
  };
}

/** The policy that its token should have, in Vault's language. */
export function vaultPolicy({ mount = "transit", key }: Pick<VaultKeyArgs, "mount" | "key">): string {
  return ["encrypt", "decrypt"]
    .map((what) => `path "${mount}/${what}/${key}" { capabilities = ["update"] }\n`)
    .join("");
}
