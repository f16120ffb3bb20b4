import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AzureDatabaseSize,
  azureDatabaseSizes,
  canReplicate,
  creation,
  highAvailability,
  loginProblems,
  namePart,
  serverIdBeside,
  skuOf,
} from "./azure-database-plan.ts";

test("a standby is in another zone than its server, which takes two", () => {
  expect(highAvailability("zone-redundant", ["3", "1", "2"])).toEqual({
    availabilityZone: "3",
    highAvailability: { mode: "ZoneRedundant", standbyAvailabilityZone: "1" },
  });
  expect(highAvailability("same-zone", ["3"])).toEqual({
    availabilityZone: "3",
    highAvailability: { mode: "SameZone" },
  });
  expect(highAvailability("none", [])).toEqual({ highAvailability: { mode: "Disabled" } });
  expect(() => highAvailability("zone-redundant", ["1"])).toThrow('zones: got ["1"]; expected two at least');
});

test("a server starts empty, as a replica, or as what another held; never as two of them", () => {
  const restore = { serverId: "old", to: "2026-11-01T10:00:00Z" };
  expect(creation(undefined, false, undefined)).toEqual({ createMode: "Default" });
  expect(creation("source", false, undefined)).toEqual({ createMode: "Replica", sourceServerResourceId: "source" });
  expect(creation("source", true, undefined)).toMatchObject({ createMode: "Replica", replica: { role: "None" } });
  expect(creation(undefined, false, restore)).toEqual({
    createMode: "PointInTimeRestore",
    sourceServerResourceId: "old",
    pointInTimeUTC: "2026-11-01T10:00:00Z",
  });
  expect(() => creation("source", false, restore)).toThrow("restore: got one for a replica");
});

test("restores to two moments are two servers, to the same one the same", () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), fc.date({ noInvalidDate: true }), (one, other) => {
      const [left, right] = [one.toISOString(), other.toISOString()];
      expect(namePart("nodes", left) === namePart("nodes", right)).toBe(left === right);
      expect(namePart("nodes", left)).toMatch(/^nodes-[0-9a-f]{6}$/);
    }),
  );
  expect(namePart("nodes", undefined)).toBe("nodes");
});

test("a server is found beside the network of its deployment", () => {
  expect(
    serverIdBeside("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n", "server"),
  ).toBe("/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/server");
});

test("sizes bear the tier that they are of, and only those that share processors cannot replicate", () => {
  for (const size of Object.keys(azureDatabaseSizes) as AzureDatabaseSize[]) {
    const { name, tier } = skuOf(size);
    expect(name).toBe(size);
    expect(tier).toBe({ B: "Burstable", D: "GeneralPurpose", E: "MemoryOptimized" }[size.slice(9, 10)]);
    expect(canReplicate(size)).toBe(tier !== "Burstable");
  }
});

test("names that the server keeps for itself are refused", () => {
  expect(loginProblems(["mediator", "participant1"])).toEqual([]);
  for (const name of ["pg-node", "azure-sys", "administrator", "canton-admin", "template1"]) {
    expect(loginProblems([name])).toHaveLength(1);
  }
});
