import { unavailable } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, notBuilt } from "@pulumi-canton/runtime/grpc-server.ts";
import type { AnyHandler, ServiceShape } from "@pulumi-canton/runtime/grpc-service.ts";

/**
 * Services whose handlers come and go while the server stays: those of the active replica.
 *
 * @param definitions what is served
 * @param current the services that answer now; throws when none do
 */
export function lateBound(definitions: readonly ServiceShape[], current: () => readonly GrpcService[]): GrpcService[] {
  const bound = new WeakMap<readonly GrpcService[], Map<string, AnyHandler>>();
  const handlerOf = (path: string): AnyHandler => {
    const services = current();
    let handlers = bound.get(services);
    if (handlers === undefined) {
      handlers = new Map(
        services.flatMap(({ methods }) => methods.map(({ shape, handle }) => [shape.path, handle] as const)),
      );
      bound.set(services, handlers);
    }
    const handler = handlers.get(path);
    if (handler === undefined) throw unavailable("SERVICE_NOT_READY", `${path} is not served at the moment`);
    return handler;
  };
  return definitions.map((definition) => ({
    methods: notBuilt(definition).methods.map(({ shape }) => ({
      shape,
      handle: (request, call) => handlerOf(shape.path)(request, call),
    })),
  }));
}
