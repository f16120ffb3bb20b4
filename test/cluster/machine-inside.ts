/** The first program of a machine: starts others, and connects ports outside to addresses inside. Told by messages of its parent. */
import { execFile, spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { closeSync, openSync } from "node:fs";
import { connect, isIP, type Server, type Socket } from "node:net";

/** What it is told. */
export type Order =
  /** Starts a program that goes on. */
  | {
      readonly what: "start";
      readonly file: string;
      readonly args: readonly string[];
      readonly env: NodeJS.ProcessEnv;
      readonly log: string;
    }
  /** Runs a program to its end. */
  | { readonly what: "run"; readonly file: string; readonly args: readonly string[] }
  /** Leads the connections of the server that comes along to a host, of the cluster's names or an address, and a port. */
  | { readonly what: "lead"; readonly host: string; readonly port: number; readonly nameServer: string };

/** What it answers. */
export type Report = { readonly order: number } & ({ readonly output: string } | { readonly error: string });

process.on("message", ({ order, ...given }: Order & { readonly order: number }, handle) => {
  const report = (said: { output: string } | { error: string }) => process.send?.({ order, ...said });
  follow(given, handle as Server | undefined).then(
    (output) => report({ output }),
    (error: Error) => report({ error: error.message }),
  );
});

async function follow(order: Order, server: Server | undefined): Promise<string> {
  switch (order.what) {
    case "start": {
      const log = openSync(order.log, "a");
      const child = spawn(order.file, order.args, { env: order.env, stdio: ["ignore", log, log] });
      closeSync(log);
      await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
      return String(child.pid);
    }
    case "run":
      return new Promise((resolve, reject) => {
        execFile(order.file, order.args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
          error ? reject(new Error(`${order.file}: ${error.message}\n${stderr}`)) : resolve(stdout),
        );
      });
    case "lead":
      server?.on("connection", (socket) => void lead(socket, order));
      return "";
  }
}

async function lead(outside: Socket, { host, port, nameServer }: Extract<Order, { what: "lead" }>): Promise<void> {
  outside.on("error", () => undefined);
  try {
    const inside = connect(port, await addressOf(host, nameServer));
    inside.on("error", () => outside.destroy());
    inside.on("close", () => outside.destroy());
    outside.on("close", () => inside.destroy());
    outside.pipe(inside).pipe(outside);
  } catch {
    // Not known yet: as with a host that is not there.
    outside.destroy();
  }
}

async function addressOf(host: string, nameServer: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([nameServer]);
  const [address] = await resolver.resolve4(host);
  if (address === undefined) throw new Error(`${host} has no address`);
  return address;
}
