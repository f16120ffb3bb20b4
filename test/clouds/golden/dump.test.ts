import { expect, test } from "vitest";
import { unknown } from "../stand-in/wire.ts";
import { dump } from "./dump.ts";

const urn = (type: string, name: string) => `urn:pulumi:test::pulumi-canton::${type}::${name}`;

test("resources are in the order of their names, with marks for what is unknown, secret or drawn", () => {
  const component = {
    urn: urn("pulumi-canton:database:Server", "server"),
    type: "pulumi-canton:database:Server",
    custom: false,
  };
  const text = dump([
    {
      urn: urn("pulumi-canton:database:Server$gcp:sql/user:User", "user"),
      type: "gcp:sql/user:User",
      custom: true,
      parent: component.urn,
      protect: true,
      inputs: {
        __defaults: [],
        password: "[secret]",
        instance: "server-0123abcd",
        host: unknown,
        policy: '{"b":1,"a":["x"]}',
      },
    },
    {
      urn: urn("gcp:sql/databaseInstance:DatabaseInstance", "server"),
      type: "gcp:sql/databaseInstance:DatabaseInstance",
      custom: true,
      inputs: { name: "server-0123abcd" },
    },
    component,
    { urn: urn("pulumi:providers:gcp", "default_9_37_0"), type: "pulumi:providers:gcp", custom: true },
  ]);
  expect(text).toBe(`- type: gcp:sql/databaseInstance:DatabaseInstance
  name: server
  inputs:
    name: server<generated>
- type: gcp:sql/user:User
  name: user
  parent: pulumi-canton:database:Server server
  protect: true
  inputs:
    host: <unknown>
    instance: server<generated>
    password: <secret>
    policy:
      <json>:
        a:
          - x
        b: 1
- type: pulumi-canton:database:Server
  name: server
`);
});
