/**
 * How to run a program that refuses to run as root (PostgreSQL does) when we are root.
 *
 * Three ways, tried in this order; the first that can reach both the program and its data directory wins:
 * 1. an unprivileged account of this machine (`setpriv --reuid`), where every folder above is open to other accounts;
 * 2. a user namespace in which root appears under an unprivileged id (`unshare --user --map-user`), which also works
 *    below folders that only root may enter, such as `/root` or a temporary directory of mode 0700;
 * 3. an unprivileged account that keeps the one capability to enter such folders, for containers that forbid 2.
 *
 * Both tools replace themselves by the program, so the process id that was started is the program's own.
 */
import { execFileSync } from "node:child_process";
import { chownSync, readFileSync, statSync } from "node:fs";

/** A command line ready to be spawned. */
export interface Command {
  /** Program, an absolute path or a name on the PATH. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/** A way to run programs without root's identity. */
export interface Account {
  /** What it is, for messages. */
  readonly description: string;
  /** Owner that the data directory must have (as seen from outside), or undefined to leave it as it is. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Wraps a command line so that it runs under this account. */
  wrap(command: Command): Command;
}

/** The account of this process itself, for when we are not root. */
export const ownAccount: Account = { description: "this account", owner: undefined, wrap: (command) => command };

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Accounts listed in `/etc/passwd` other than root; PostgreSQL's initdb needs its own user id to be listed. */
function unprivilegedAccounts(passwd: string): PasswdEntry[] {
  return passwd.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    return name && uid && gid && Number(uid) > 0 ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

function preferredAccount(accounts: readonly PasswdEntry[]): PasswdEntry | undefined {
  return (
    accounts.find((account) => account.name === "postgres") ??
    accounts.find((account) => account.name === "nobody") ??
    accounts[0]
  );
}

function asAccount({ name, uid, gid }: PasswdEntry): Account {
  const identity = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
  return {
    description: `account ${name}`,
    owner: { uid, gid },
    wrap: ({ command, args }) => ({ command: "setpriv", args: [...identity, "--", command, ...args] }),
  };
}

function inUserNamespace({ uid, gid }: PasswdEntry): Account {
  return {
    description: "a user namespace",
    owner: { uid: 0, gid: 0 },
    wrap: ({ command, args }) => ({
      command: "unshare",
      args: ["--user", `--map-user=${uid}`, `--map-group=${gid}`, "--", command, ...args],
    }),
  };
}

function asAccountWithAccess({ name, uid, gid }: PasswdEntry): Account {
  const identity = ["--reuid", String(uid), "--regid", String(gid), "--clear-groups"];
  const capability = ["--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"];
  return {
    description: `account ${name} with access to root's folders`,
    owner: { uid, gid },
    wrap: ({ command, args }) => ({ command: "setpriv", args: [...identity, ...capability, "--", command, ...args] }),
  };
}

/** The candidates for a data directory with this owner, best first. Pure; exported for tests. */
export function candidateAccounts(passwd: string, directoryOwner: number, directoryIsEmpty: boolean): Account[] {
  const accounts = unprivilegedAccounts(passwd);
  // Files that are there already decide: they stay with the identity that wrote them.
  const owner = accounts.find((account) => account.uid === directoryOwner);
  if (owner) return [asAccount(owner), asAccountWithAccess(owner)];
  const preferred = preferredAccount(accounts);
  if (!preferred) return [];
  if (!directoryIsEmpty) return [inUserNamespace(preferred)];
  return [asAccount(preferred), inUserNamespace(preferred), asAccountWithAccess(preferred)];
}

function failure(command: Command): string | undefined {
  try {
    execFileSync(command.command, command.args, { stdio: ["ignore", "ignore", "pipe"], timeout: 20_000, cwd: "/" });
    return undefined;
  } catch (error) {
    const stderr = String((error as { stderr?: unknown }).stderr ?? "").trim();
    return stderr === "" ? (error as Error).message : stderr;
  }
}

/**
 * Chooses the account for a program and makes `directory` its own.
 *
 * @param options.probe a harmless call of the program (such as `--version`) that proves that it can be reached
 * @param options.directory existing directory that the program will own
 * @param options.directoryIsEmpty whether nothing lies in it yet
 * @throws Error naming each way that was tried and why it does not work here
 */
export function chooseAccount(options: { probe: Command; directory: string; directoryIsEmpty: boolean }): Account {
  if (process.getuid?.() !== 0) return ownAccount;
  const { probe, directory, directoryIsEmpty } = options;
  const before = statSync(directory);
  const reasons: string[] = [];
  for (const account of candidateAccounts(readFileSync("/etc/passwd", "utf8"), before.uid, directoryIsEmpty)) {
    if (account.owner) chownSync(directory, account.owner.uid, account.owner.gid);
    const why =
      failure(account.wrap(probe)) ??
      failure(account.wrap({ command: "test", args: ["-w", directory, "-a", "-x", directory] }));
    if (why === undefined) return account;
    reasons.push(`${account.description}: ${why}`);
  }
  chownSync(directory, before.uid, before.gid);
  throw new Error(
    `${probe.command} refuses to run as root, and no other account can reach it and ${directory}:\n` +
      reasons.map((reason) => `  - ${reason}\n`).join("") +
      "Run as an ordinary user, or set CANTON_HOME to (and clone into) a folder that other accounts may enter.",
  );
}
