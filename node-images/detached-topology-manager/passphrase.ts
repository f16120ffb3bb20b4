/** Passphrases: from a file or from the terminal, never from the command line, which other users of the machine can see. */
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";

/** Fewest characters of a new passphrase. */
export const MIN_PASSPHRASE_LENGTH = 12;

/** Where answers come from. */
export interface Prompt {
  /** Asks, and shows what is typed. */
  ask(question: string): Promise<string>;
  /** Asks, and does not show what is typed. */
  askSecret(question: string): Promise<string>;
}

/** The terminal. @throws ConsoleError when there is none */
export const terminalPrompt: Prompt = {
  ask: (question) => read(question, process.stderr),
  askSecret: async (question) => {
    process.stderr.write(question);
    try {
      return await read("", new Writable({ write: (_chunk, _encoding, done) => done() }));
    } finally {
      process.stderr.write("\n");
    }
  },
};

async function read(question: string, output: NodeJS.WritableStream): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new ConsoleError(
      "There is no terminal to ask on.",
      "Give --passphrase-file, and --yes where a question is asked.",
    );
  }
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/** The passphrase of a key file. @throws ConsoleError */
export async function passphraseOf(file: string | undefined, prompt: Prompt): Promise<string> {
  if (file !== undefined) return fromFile(file);
  return prompt.askSecret("Passphrase of the key file: ");
}

/** A passphrase for a new key file, asked for twice. @throws ConsoleError when it is too short or mistyped */
export async function newPassphrase(file: string | undefined, prompt: Prompt): Promise<string> {
  const passphrase = file === undefined ? await prompt.askSecret("New passphrase: ") : fromFile(file);
  if ([...passphrase].length < MIN_PASSPHRASE_LENGTH) {
    const remedy = "Take several words: it is all that protects the key when somebody gets hold of the file.";
    throw new ConsoleError(`The passphrase has fewer than ${MIN_PASSPHRASE_LENGTH} characters.`, remedy);
  }
  if (file === undefined && (await prompt.askSecret("The same again: ")) !== passphrase) {
    throw new ConsoleError("The two passphrases differ.", "Try again; nothing was written.");
  }
  return passphrase;
}

/** The first line of a file: editors end it with a line feed. */
function fromFile(file: string): string {
  let text: string;
  try {
    const stats = statSync(file);
    if (stats.isFile() && (stats.mode & 0o077) !== 0) {
      const octal = (stats.mode & 0o777).toString(8).padStart(4, "0");
      throw new ConsoleError(`Others can read or change ${file} (mode ${octal}).`, `Run: chmod 600 ${file}`);
    }
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof ConsoleError) throw error;
    throw new ConsoleError(`${file} cannot be read: ${(error as Error).message}`, "Give another --passphrase-file.");
  }
  const [passphrase = ""] = text.split(/\r?\n/);
  return passphrase;
}
