/**
 * grpc.health.v1.Health, the standard health service of gRPC servers
 * (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): the empty service name asks for the node, a
 * component's name for that component.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { plainError } from "./errors.ts";
import { type GrpcService, implement } from "./grpc-service.ts";
import type { Health } from "./health.ts";

/** HealthCheckResponse.ServingStatus. */
export const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

/** HealthCheckRequest: the service asked about; empty for the whole server. */
export interface HealthCheckRequest {
  service: string;
}

/** HealthCheckResponse. */
export interface HealthCheckResponse {
  /** One of {@link ServingStatus}. */
  status: number;
}

function encodeRequest(request: HealthCheckRequest): Buffer {
  const writer = new BinaryWriter();
  if (request.service !== "") writer.uint32(10).string(request.service);
  return Buffer.from(writer.finish());
}

function decodeRequest(bytes: Uint8Array): HealthCheckRequest {
  const reader = new BinaryReader(bytes);
  let service = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === 2) service = reader.string();
    else reader.skip(wireType);
  }
  return { service };
}

function encodeResponse(response: HealthCheckResponse): Buffer {
  const writer = new BinaryWriter();
  if (response.status !== 0) writer.uint32(8).int32(response.status);
  return Buffer.from(writer.finish());
}

function decodeResponse(bytes: Uint8Array): HealthCheckResponse {
  const reader = new BinaryReader(bytes);
  let serving = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === 0) serving = reader.int32();
    else reader.skip(wireType);
  }
  return { status: serving };
}

const codec = {
  requestStream: false as const,
  requestSerialize: encodeRequest,
  requestDeserialize: decodeRequest,
  responseSerialize: encodeResponse,
  responseDeserialize: decodeResponse,
};

/** The service definition, for servers and for `makeGenericClientConstructor`. */
export const HealthService = {
  check: { ...codec, path: "/grpc.health.v1.Health/Check" as const, responseStream: false as const },
  watch: { ...codec, path: "/grpc.health.v1.Health/Watch" as const, responseStream: true as const },
} as const;

/** Serves the health of a node. */
export function healthService(health: Health): GrpcService {
  const ask = (service: string): number => {
    if (service === "") return health.ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    const component = health.component(service);
    if (component === undefined) return ServingStatus.SERVICE_UNKNOWN;
    return component.state === "ok" || component.state === "degraded"
      ? ServingStatus.SERVING
      : ServingStatus.NOT_SERVING;
  };
  return implement(HealthService, {
    check: async ({ service }) => {
      const answer = ask(service);
      if (answer === ServingStatus.SERVICE_UNKNOWN) {
        const known = health.components().map(({ name }) => name);
        throw plainError(
          status.NOT_FOUND,
          `unknown service ${JSON.stringify(service)}; known: "", ${known.join(", ")}`,
        );
      }
      return { status: answer };
    },
    watch: async function* ({ service }, { signal }) {
      let wake = Promise.withResolvers<void>();
      const poke = () => {
        wake.resolve();
        wake = Promise.withResolvers<void>();
      };
      const unsubscribe = health.onChange(poke);
      signal.addEventListener("abort", poke);
      try {
        let told: number | undefined;
        while (!signal.aborted) {
          const next = wake.promise;
          const answer = ask(service);
          if (answer !== told) {
            told = answer;
            yield { status: answer };
            continue;
          }
          await next;
        }
      } finally {
        unsubscribe();
        signal.removeEventListener("abort", poke);
      }
    },
  });
}
