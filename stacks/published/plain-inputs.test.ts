import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { plainInputs } from "./plain-inputs.ts";

const known = (value: unknown) => pulumi.output(value);
/** As the engine hands over what another resource has yet to give. */
const unknown = () => pulumi.output((pulumi as unknown as { unknown: unknown }).unknown);

const refusal = (inputs: pulumi.Inputs): Promise<Error> =>
  plainInputs(inputs).then(
    () => expect.unreachable(),
    (error) => error,
  );

test("values come through as they are, those in outputs too", async () => {
  const values = {
    name: "a",
    domain: false,
    nodes: ["a", "b"],
    network: { range: "10.0.0.0/16", ports: [443] },
    none: null,
  };
  expect(await plainInputs(values)).toEqual(values);
  const { name, nodes, network, ...others } = values;
  const outputs = {
    name: known(name),
    nodes: [known("a"), "b"],
    network: known({ ...network, ports: known([443]) }),
    ...others,
  };
  expect(await plainInputs(outputs)).toEqual(values);
});

test("each value that is not known yet is told by its key", async () => {
  const inputs = { name: "a", region: unknown(), nodes: ["a", unknown()], network: { zones: [{ name: unknown() }] } };
  const refused = await refusal(inputs);
  expect(pulumi.InputPropertiesError.isInstance(refused)).toBe(true);
  const { errors } = refused as pulumi.InputPropertiesError;
  expect(errors.map(({ propertyPath }) => propertyPath).sort()).toEqual([
    "network.zones[0].name",
    "nodes[1]",
    "region",
  ]);
  expect(errors[0]?.reason).toBe(
    "is not known before another resource is made; expected a value that the program has by itself",
  );
});

test("each secret is told by its key, in an error beside which the engine repeats no values", async () => {
  const inputs = {
    region: unknown(),
    nodes: [pulumi.secret("hidden")],
    network: pulumi.secret({ range: "10.0.0.0/16" }),
  };
  const refused = await refusal(inputs);
  expect(pulumi.InputPropertiesError.isInstance(refused)).toBe(false);
  expect(refused.message).toMatch(
    /^(nodes\[0\], network|network, nodes\[0\]): got a secret; expected a value in the clear/,
  );
});
