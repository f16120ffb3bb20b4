/** The stand-in as the engine sees it: `pulumirpc.ResourceProvider` for one package. */
import grpc from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { invoke } from "./invokes.ts";
import { type Change, HalfMade, type Named, type StandInClouds } from "./stand-in-clouds.ts";
import { fromStruct, toStruct } from "./wire.ts";

/** The service of one package. */
export function providerOf(clouds: StandInClouds, version: string): IResourceProviderServer {
  const { Kind } = pb.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const;

  const diffOf = (changes: readonly Change[]) => {
    const { DiffChanges } = pb.DiffResponse;
    const response = new pb.DiffResponse()
      .setChanges(changes.length === 0 ? DiffChanges.DIFF_NONE : DiffChanges.DIFF_SOME)
      .setDiffsList([...new Set(changes.map(({ path }) => topOf(path)))])
      .setReplacesList([...new Set(changes.filter(({ replaces }) => replaces).map(({ path }) => topOf(path)))])
      .setHasdetaileddiff(true);
    for (const { path, kind, replaces } of changes) {
      const property = new pb.PropertyDiff().setKind(kinds[kind][replaces ? 1 : 0]).setInputdiff(true);
      response.getDetaileddiffMap().set(path, property);
    }
    return response;
  };

  return {
    handshake: unary(() => new pb.ProviderHandshakeResponse().setAcceptSecrets(true)),
    attach: unary(() => new emptyPb.Empty()),
    cancel: unary(() => new emptyPb.Empty()),
    getPluginInfo: unary(() => new pluginPb.PluginInfo().setVersion(version)),
    checkConfig: unary((request) => new pb.CheckResponse().setInputs(request.getNews())),
    diffConfig: unary(() => new pb.DiffResponse().setChanges(pb.DiffResponse.DiffChanges.DIFF_NONE)),
    configure: unary(() => new pb.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),

    invoke: unary((request) =>
      new pb.InvokeResponse().setReturn(toStruct(invoke(request.getTok(), fromStruct(request.getArgs())))),
    ),

    check: unary((request) => {
      const [olds, news] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
      const { inputs, problems } = clouds.check(named(request.getUrn()), olds, news, request.getRandomseed_asU8());
      const failures = problems.map(({ path, reason }) =>
        new pb.CheckFailure().setProperty(path).setReason(`${path} ${reason}`),
      );
      return new pb.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(failures);
    }),

    diff: unary((request) => {
      const { token } = named(request.getUrn());
      const [before, after] = [fromStruct(request.getOldInputs()), fromStruct(request.getNews())];
      const changes = clouds.diff(token, before, after);
      return diffOf(changes).setDeletebeforereplace(clouds.sameName(token, before, after));
    }),

    create: unary(async (request) => {
      const { id, outputs } = await clouds.create(
        named(request.getUrn()),
        fromStruct(request.getProperties()),
        request.getPreview(),
      );
      return new pb.CreateResponse().setId(id).setProperties(toStruct(outputs));
    }),

    read: unary(async (request) => {
      const { token, name } = named(request.getUrn());
      const id = request.getId();
      await clouds.look(token, id);
      const given = fromStruct(request.getInputs());
      const found = clouds.read(token, id, fromStruct(request.getProperties()), given);
      const response = new pb.ReadResponse();
      if (found === undefined) {
        // What a program looks up has no inputs; what a refresh does not find is simply gone.
        if (Object.keys(given).length > 0) return response;
        throw new Error(`${token} ${name}: there is none with the id ${id}`);
      }
      return response.setId(id).setProperties(toStruct(found.outputs)).setInputs(toStruct(found.inputs));
    }),

    update: unary(async (request) => {
      const [olds, news] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
      const outputs = await clouds.update(named(request.getUrn()), request.getId(), olds, news, request.getPreview());
      return new pb.UpdateResponse().setProperties(toStruct(outputs));
    }),

    delete: unary(async (request) => {
      await clouds.delete(named(request.getUrn()), request.getId());
      return new emptyPb.Empty();
    }),

    call: notBuilt("Call"),
    construct: notBuilt("Construct"),
    getMapping: unary(() => new pb.GetMappingResponse()),
    getMappings: unary(() => new pb.GetMappingsResponse()),
    getSchema: notBuilt("GetSchema"),
    parameterize: notBuilt("Parameterize"),
    list: (call) => call.emit("error", failure(grpc.status.UNIMPLEMENTED, "the stand-in does not build List")),
  };
}

/** Type and name in the program, which the last two parts of a URN tell. */
function named(urn: string): Named {
  const [, , types = "", ...name] = urn.split("::");
  return { token: types.slice(types.lastIndexOf("$") + 1), name: name.join("::") };
}

function topOf(path: string): string {
  return (
    /^(?:\["([^"]*)"\]|[^.[]+)/
      .exec(path)
      ?.slice(0, 2)
      .reverse()
      .find((part) => part !== undefined) ?? path
  );
}

function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await handle(call.request));
    } catch (error) {
      if (error instanceof HalfMade) callback(halfMade(error));
      else callback(failure(grpc.status.UNKNOWN, (error as Error).message));
    }
  };
}

function notBuilt<Request, Response>(what: string): grpc.handleUnaryCall<Request, Response> {
  return (_call, callback) => callback(failure(grpc.status.UNIMPLEMENTED, `the stand-in does not build ${what}`));
}

function failure(code: grpc.status, details: string): Partial<grpc.ServiceError> & Error {
  return Object.assign(new Error(details), { code, details });
}

/** An error with which the engine gets the resource that is there in spite of it. */
function halfMade({ message, made }: HalfMade): Partial<grpc.ServiceError> & Error {
  const detail = new pb.ErrorResourceInitFailed()
    .setId(made.id)
    .setProperties(toStruct(made.outputs))
    .setReasonsList([message]);
  const packed = new anyPb.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusPb.Status().setCode(grpc.status.UNKNOWN).setMessage(message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return Object.assign(failure(grpc.status.UNKNOWN, message), { metadata });
}
