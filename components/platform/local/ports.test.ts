import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LocalHome, localHome } from "./home.ts";
import { chosenPorts, claimPorts, planPorts, readPorts, releasePorts, type WantedPort } from "./ports.ts";

// A small range of keys and numbers, so that they meet.
const number = fc.integer({ min: chosenPorts.first, max: chosenPorts.first + 12 });
const wanted = fc.uniqueArray(
  fc
    .record({
      node: fc.constantFrom("a", "b", "c"),
      port: fc.constantFrom("admin", "public"),
      configured: fc.option(number, { nil: undefined }),
    })
    .map(
      ({ node, port, configured }): WantedPort => ({
        key: `${node}.${port}`,
        configKey: `ports.${node}.${port}`,
        configured,
      }),
    ),
  { selector: ({ key }) => key },
);
const kept = fc
  .uniqueArray(fc.tuple(fc.constantFrom("a.admin", "a.public", "b.admin", "x.admin", "x.public"), number), {
    selector: ([key]) => key,
  })
  .map((entries) =>
    Object.fromEntries(entries.filter(([, port], index) => entries.findIndex(([, other]) => other === port) === index)),
  );
const taken = fc.uniqueArray(number);

test("every key gets a number, no two the same, none that others keep or that is taken, configured and kept ones as they are", async () => {
  await fc.assert(
    fc.asyncProperty(wanted, kept, taken, number, async (wants, keeps, busy, start) => {
      // What is kept may well be in use: by the very process that keeps it.
      const isFree = async (port: number) => !busy.includes(port) && !Object.values(keeps).includes(port);
      let plan: Readonly<Record<string, number>>;
      try {
        plan = await planPorts({ wanted: wants, kept: keeps, start, isFree });
      } catch (error) {
        const configured = wants.filter((want) => want.configured !== undefined);
        expect(configured.some(({ configKey }) => (error as Error).message.startsWith(configKey))).toBe(true);
        return;
      }
      expect(Object.keys(plan).sort()).toEqual(wants.map(({ key }) => key).sort());
      expect(new Set(Object.values(plan)).size).toBe(wants.length);
      for (const { key, configured } of wants) {
        const port = plan[key] as number;
        if (configured !== undefined) expect(port).toBe(configured);
        const others = Object.entries(keeps).filter(([other]) => !wants.some((want) => want.key === other));
        expect(others.map(([, other]) => other)).not.toContain(port);
        if (configured === undefined && keeps[key] !== port) expect(busy).not.toContain(port);
      }
      const again = await planPorts({ wanted: wants, kept: { ...keeps, ...plan }, start, isFree: async () => false });
      expect(again).toEqual(plan);
    }),
  );
});

test("a kept number stays with its key unless another key is configured to have it", async () => {
  const keeps = { "a.admin": 20_001, "b.admin": 20_002 };
  const all = (configured?: number): WantedPort[] => [
    { key: "a.admin", configKey: "ports.a.admin" },
    { key: "b.admin", configKey: "ports.b.admin", configured },
  ];
  const isFree = async () => true;
  expect(await planPorts({ wanted: all(), kept: keeps, start: 20_000, isFree })).toEqual(keeps);
  expect(await planPorts({ wanted: all(20_001), kept: keeps, start: 20_000, isFree })).toEqual({
    "a.admin": 20_000,
    "b.admin": 20_001,
  });
});

let home: LocalHome;
beforeEach(() => {
  home = localHome(mkdtempSync(join(tmpdir(), "ports-")));
});
afterEach(() => rmSync(home.directory, { recursive: true, force: true }));

test("claims at the same time do not collide, are kept, and are released by process", async () => {
  const names = ["one", "two", "three", "four"];
  const want = (name: string) =>
    ["admin", "health"].map((port) => ({ key: `${name}.${port}`, configKey: `ports.${name}.${port}` }));
  const plans = await Promise.all(names.map((name) => claimPorts(home, want(name))));
  const all = Object.assign({}, ...plans) as Record<string, number>;
  expect(new Set(Object.values(all)).size).toBe(8);
  expect(readPorts(home)).toEqual(all);
  expect(await claimPorts(home, want("two"))).toEqual(plans[1]);
  await releasePorts(home, "two");
  expect(Object.keys(readPorts(home))).toHaveLength(6);
  await Promise.all(names.map((name) => releasePorts(home, name)));
  expect(() => readFileSync(home.ports)).toThrow(/ENOENT/);
});

test("a configured port that another program has is refused by its key", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const want = [{ key: "a.admin", configKey: "ports.a.adminApi", configured: port }];
  await expect(claimPorts(home, want)).rejects.toThrow(
    `ports.a.adminApi: port ${port} is taken by another program on this machine; stop that program, choose another port, or remove ports.a.adminApi`,
  );
  expect(readPorts(home)).toEqual({});
  await new Promise((resolve) => server.close(resolve));
  expect(await claimPorts(home, want)).toEqual({ "a.admin": port });
});
