import grpc from "@grpc/grpc-js";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb.js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { start, stopChildren } from "./children.ts";
import { generatePackage, NoGeneratorError } from "./generate-package.ts";
import { linkPackages } from "./link-packages.ts";
import { ModuleNotFoundError } from "./module-location.ts";
import { installedPackages, packageRoot, requiredPackages } from "./packages.ts";
import { exitCodeOf, startPlugin } from "./run-plugin.ts";
import { environmentWithThisNode, runProgram } from "./run-program.ts";
import { RuntimeOptionError } from "./runtime-options.ts";

/** What the language host needs to know when it starts. */
export interface LanguageHostOptions {
  /** `host:port` of the engine, handed on to programs so that they can log. Replaced by a Handshake, if one comes. */
  readonly engineAddress: string;
  /** Reported by GetPluginInfo and About. */
  readonly version: string;
}

/**
 * The engine's language service (`pulumirpc.LanguageRuntime`) for Node.js: runs programs, policy packs and component
 * packages with the Node that runs this process, and generates SDKs of packages. GenerateProgram, GenerateProject, Pack and
 * Template are not built and answer UNIMPLEMENTED.
 */
export function languageService(options: LanguageHostOptions): ILanguageRuntimeServer {
  let engineAddress = options.engineAddress;
  return {
    handshake: unary((request) => {
      engineAddress = request.getEngineAddress();
      return new pb.LanguageHandshakeResponse();
    }),

    getPluginInfo: unary(() => new pluginPb.PluginInfo().setVersion(options.version)),

    getRequiredPackages: unary((request) =>
      new pb.GetRequiredPackagesResponse().setPackagesList(
        requiredPackages(programDirectory(request.getInfo())).map((required) => {
          const dependency = new pluginPb.PackageDependency()
            .setKind("resource")
            .setName(required.name)
            .setVersion(required.version)
            .setServer(required.server ?? "");
          if (required.parameterization) dependency.setParameterization(parameterization(required.parameterization));
          if (required.extension) dependency.setExtension$(parameterization(required.extension));
          return dependency;
        }),
      ),
    ),

    getRequiredPlugins: unary((request) =>
      new pb.GetRequiredPluginsResponse().setPluginsList(
        requiredPackages(programDirectory(request.getInfo())).map((required) =>
          new pluginPb.PluginDependency()
            .setKind("resource")
            .setName(required.name)
            .setVersion(required.version)
            .setServer(required.server ?? ""),
        ),
      ),
    ),

    run: unary(async (request) => {
      const outcome = await runProgram(request, engineAddress);
      const response = new pb.RunResponse().setBail(outcome.kind === "bail");
      return outcome.kind === "failed" ? response.setError(outcome.error) : response;
    }),

    installDependencies: serverStreaming(async (call) => {
      const directory = call.request.getInfo()?.getProgramDirectory() || call.request.getDirectory();
      const root = packageRoot(directory);
      if (root === undefined) throw failure(grpc.status.NOT_FOUND, `no package.json at or above ${directory}`);
      const reply = () => new pb.InstallDependenciesResponse();
      // An install that has nothing to do still rewrites node_modules and asks the registry: leave a complete one alone.
      const { packages, missing } = installedPackages(root);
      if (packages.length > 0 && missing.length === 0) {
        call.write(reply().setStdout(Buffer.from(`Dependencies of ${root} are installed\n`)));
        return;
      }
      const install = start("npm", ["install", "--no-audit", "--no-fund"], {
        cwd: root,
        env: environmentWithThisNode(process.env),
        stdio: ["ignore", "pipe", "pipe"],
      });
      call.on("cancelled", () => install.process.kill());
      install.process.stdout?.on("data", (chunk: Buffer) => call.write(reply().setStdout(chunk)));
      install.process.stderr?.on("data", (chunk: Buffer) => call.write(reply().setStderr(chunk)));
      const code = exitCodeOf(await install.ended);
      if (code !== 0) throw failure(grpc.status.UNKNOWN, `npm install in ${root} failed with exit code ${code}`);
    }),

    runPlugin: serverStreaming(async (call) => {
      const plugin = startPlugin(call.request);
      call.on("cancelled", () => plugin.process.kill());
      plugin.process.stdout?.on("data", (chunk: Buffer) => call.write(new pb.RunPluginResponse().setStdout(chunk)));
      plugin.process.stderr?.on("data", (chunk: Buffer) => call.write(new pb.RunPluginResponse().setStderr(chunk)));
      const code = exitCodeOf(await plugin.ended);
      call.write(new pb.RunPluginResponse().setExitcode(code));
    }),

    runtimeOptionsPrompts: unary(() => new pb.RuntimeOptionsResponse()),

    about: unary(() => {
      const response = new pb.AboutResponse().setExecutable(process.execPath).setVersion(process.version);
      response.getMetadataMap().set("languageHost", options.version);
      return response;
    }),

    getProgramDependencies: unary((request) => {
      const transitive = request.getTransitivedependencies();
      const dependencies = installedPackages(programDirectory(request.getInfo())).packages.filter(
        ({ direct }) => direct || transitive,
      );
      return new pb.GetProgramDependenciesResponse().setDependenciesList(
        dependencies.map(({ name, version }) => new pb.DependencyInfo().setName(name).setVersion(version)),
      );
    }),

    generatePackage: unary(async (request) =>
      new pb.GeneratePackageResponse().setDiagnosticsList(await generatePackage(request)),
    ),

    link: unary((request) => {
      const packages = request.getPackagesList().map((linked) => ({
        path: linked.getPath(),
        name: linked.getPackage()?.getName() ?? "",
      }));
      const directory = programDirectory(request.getInfo());
      const root = packageRoot(directory);
      if (root === undefined) throw failure(grpc.status.NOT_FOUND, `no package.json at or above ${directory}`);
      return new pb.LinkResponse().setImportInstructions(linkPackages(root, packages));
    }),

    cancel: unary(() => {
      stopChildren();
      return new emptyPb.Empty();
    }),

    template: notBuilt("Template"),
    generateProgram: notBuilt("GenerateProgram"),
    generateProject: notBuilt("GenerateProject"),
    pack: notBuilt("Pack"),
  };
}

function programDirectory(info: ProgramInfo | undefined): string {
  return info?.getProgramDirectory() || info?.getRootDirectory() || process.cwd();
}

function parameterization(source: { name: string; version: string; value: string }) {
  return new pluginPb.PackageParameterization()
    .setName(source.name)
    .setVersion(source.version)
    .setValue(Buffer.from(source.value, "base64"));
}

function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await handle(call.request));
    } catch (error) {
      callback(asServiceError(error));
    }
  };
}

function serverStreaming<Request, Response>(
  handle: (call: grpc.ServerWritableStream<Request, Response>) => Promise<void>,
): grpc.handleServerStreamingCall<Request, Response> {
  return (call) => {
    handle(call).then(
      () => call.end(),
      (error: unknown) => call.emit("error", asServiceError(error)),
    );
  };
}

function notBuilt<Request, Response>(name: string): grpc.handleUnaryCall<Request, Response> {
  return (_call, callback) => {
    callback(failure(grpc.status.UNIMPLEMENTED, `this language host does not build ${name}; use an official Pulumi`));
  };
}

function failure(code: grpc.status, details: string): Partial<grpc.ServiceError> & Error {
  return Object.assign(new Error(details), { code, details });
}

function asServiceError(error: unknown): Partial<grpc.ServiceError> & Error {
  if (error instanceof NoGeneratorError) return failure(grpc.status.FAILED_PRECONDITION, error.message);
  if (error instanceof ModuleNotFoundError) return failure(grpc.status.FAILED_PRECONDITION, error.message);
  if (error instanceof RuntimeOptionError) return failure(grpc.status.INVALID_ARGUMENT, error.message);
  if (error instanceof Error && "code" in error && typeof error.code === "number") return error as grpc.ServiceError;
  return failure(grpc.status.UNKNOWN, error instanceof Error ? error.message : String(error));
}
