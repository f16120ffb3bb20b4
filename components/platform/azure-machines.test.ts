import { describe, expect, test } from "vitest";
import { firstPool, type MachinePools, machinePools, ownPools } from "./azure-machines.ts";

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

describe("pools of their own", () => {
  const names = (pools: readonly { readonly name: string }[]) => pools.map(({ name }) => name);

  test("are the cluster's under other names, so that both can be there at once", () => {
    const strip = (pools: ReturnType<typeof ownPools>) => pools.map(({ name: _, ...pool }) => pool);
    expect(strip(ownPools(given))).toEqual(strip(machinePools(given)));
    const all = [...names(machinePools(given)), ...names(ownPools(given)), ...names(firstPool(given))];
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(name).toMatch(/^[a-z][a-z0-9]{0,11}$/);
  });

  test("get another name with whatever Azure does not change in a pool, and keep it with the rest", () => {
    const [system, nodes] = names(ownPools(given));
    const larger = { ...given.machines, size: "Standard_D8ds_v5" };
    expect(names(ownPools({ ...given, machines: larger }))).toEqual([system, expect.not.stringMatching(`^${nodes}$`)]);
    for (const changed of [{ zones: ["1", "2"] }, { hostEncryption: false }]) {
      for (const name of names(ownPools({ ...given, ...changed }))) expect([system, nodes]).not.toContain(name);
    }
    expect(names(ownPools({ ...given, machines: { ...given.machines, fewest: 4, most: 20 } }))).toEqual([
      system,
      nodes,
    ]);
  });

  test("need a first one for the system, of one machine, which nodes do not run on", () => {
    for (const pools of [given, { machines: given.machines, zones: [] }]) {
      expect(firstPool(pools)).toEqual([
        expect.objectContaining({
          mode: "System",
          count: 1,
          maxCount: 1,
          nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
        }),
      ]);
    }
  });
});
