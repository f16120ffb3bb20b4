/** A folder in a git repository. Pure. */

/** Where in git something is. */
export interface GitSource {
  /** Example: `"https://git.example.com/ledger/canton.git"`. */
  readonly repository: string;
  /** Branch, tag or commit. Example: `"main"`. */
  readonly revision: string;
  /** Folder in the repository. Default: its root. */
  readonly path?: string;
}

/** @throws Error naming `key` and what is not right */
export function checkGitSource(key: string, { repository, revision, path = "." }: GitSource): void {
  if (!/^(?:https:\/\/[^\s/@]+\/\S+|ssh:\/\/\S+|[\w.-]+@[^\s:]+:\S+)$/.test(repository)) {
    throw new Error(
      `${key}.repository: got "${repository}"; expected an https or ssh address without a password in it`,
    );
  }
  if (!/^[^\s~^:?*[\\]+$/.test(revision)) {
    throw new Error(`${key}.revision: got "${revision}"; expected a branch, a tag or a commit`);
  }
  if (path.startsWith("/") || path.split("/").includes("..")) {
    throw new Error(`${key}.path: got "${path}"; expected a folder below the root of the repository`);
  }
}
