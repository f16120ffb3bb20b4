import { expect, test } from "vitest";
import { type MachinePools, machinePools } from "./azure-machines.ts";

const given: MachinePools = {
  machines: { size: "Standard_D4ds_v5", fewest: 3, most: 9 },
  systemMachines: { size: "Standard_D2ds_v5", fewest: 2, most: 3 },
  zones: ["1", "2", "3"],
};
const nodes = (changed: Partial<MachinePools> = {}) => machinePools({ ...given, ...changed }).at(-1);

test("machines are spread over the zones, encrypted, and closed; nodes have some of their own", () => {
  const pools = machinePools(given);
  expect(pools).toHaveLength(2);
  for (const pool of pools) {
    expect(pool.name).toMatch(/^[a-z][a-z0-9]{0,11}$/);
    expect(pool).toMatchObject({
      availabilityZones: ["1", "2", "3"],
      enableEncryptionAtHost: true,
      enableNodePublicIP: false,
      enableAutoScaling: true,
    });
  }
  expect(pools[0]).toMatchObject({ mode: "System", nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"] });
  expect(pools[1]).toMatchObject({ mode: "User", count: 3, minCount: 3, maxCount: 9 });
});

test("without machines of its own Kubernetes runs on those of the nodes", () => {
  const { systemMachines: _, ...alone } = given;
  const [pool, ...others] = machinePools({ ...alone, zones: [] });
  expect(others).toEqual([]);
  expect(pool?.mode).toBe("System");
  expect(pool).not.toHaveProperty("nodeTaints");
  expect(pool).not.toHaveProperty("availabilityZones");
});

test("what Azure does not change of machines that are there makes another pool; how many there are does not", () => {
  const { name } = nodes() ?? {};
  expect(nodes({ machines: { size: "Standard_D4ds_v5", fewest: 4, most: 12 } })?.name).toBe(name);
  expect(nodes({ machines: { size: "Standard_D8ds_v5", fewest: 3, most: 9 } })?.name).not.toBe(name);
  expect(nodes({ zones: ["1", "2"] })?.name).not.toBe(name);
  expect(nodes({ hostEncryption: false })?.name).not.toBe(name);
});
