/**
 * The language host process: `main.ts [engine flags] ENGINE-ADDRESS`. Prints the port it listens on (loopback only)
 * as its first line, serves {@link languageService}, and ends with the engine or on a signal, taking the programs it
 * started with it.
 */
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { stopChildren } from "./children.ts";
import { onParentGone } from "./parent-watch.ts";
import { languageService } from "./service.ts";

/** The largest message the engine and its plugins exchange (400 MiB), as in the SDK. */
const maxMessageBytes = 400 * 1024 * 1024;

const sdk = JSON.parse(readFileSync(new URL(import.meta.resolve("@pulumi/pulumi/package.json")), "utf8")) as {
  version: string;
};

// The engine puts logging flags first and its address last.
const engineAddress = process.argv.slice(2).findLast((argument) => !argument.startsWith("-")) ?? "";

const server = new grpc.Server({
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
});
server.addService(LanguageRuntimeService, languageService({ engineAddress, version: sdk.version }));

function stop(exitCode: number): void {
  stopChildren();
  process.exit(exitCode);
}
process.on("SIGINT", () => stop(0));
process.on("SIGTERM", () => stop(0));
onParentGone(() => stop(0));

server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    process.stderr.write(`pulumi-language-nodejs: cannot listen on loopback: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(`${port}\n`);
});
