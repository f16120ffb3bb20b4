import { silentLogger } from "@pulumi-canton/runtime/logger.ts";
import { expect, test } from "vitest";
import { Wakeup } from "../dispatch/wakeup.ts";
import type { BootstrapFacts } from "./plan.ts";
import { runBootstrap } from "./run.ts";

const peer = { keyAuthorised: false, keyPublished: false, bootstrapped: false, confirmed: false };
const facts: BootstrapFacts = {
  identity: true,
  rootDelegation: true,
  managerKey: true,
  domainParameters: true,
  mediatorState: false,
  snapshotFixed: false,
  sequencers: [
    { ...peer, name: "down" },
    { ...peer, name: "up" },
  ],
  mediators: [],
};

test("a peer that is down is tried again and again, a database that is away too, and the others go on meanwhile", async () => {
  let present = facts;
  let looks = 0;
  const taken: string[] = [];
  const open: (string | undefined)[] = [];
  let running = 0;
  const change = (name: string, changes: Partial<typeof peer> & { key?: string }) => {
    present = {
      ...present,
      sequencers: present.sequencers.map((each) => (each.name === name ? { ...each, ...changes } : each)),
    };
  };
  await runBootstrap(
    {
      observe: async () => {
        if (looks++ % 4 === 1) throw new Error("the database is away");
        return present;
      },
      take: async (step) => {
        const name = "name" in step ? step.name : "";
        taken.push(`${step.kind} ${name}`);
        if (step.kind === "initialise-sequencer") {
          if (name === "down" && running === 0) throw new Error("connection refused");
          change(name, { key: name, confirmed: true });
        } else if (step.kind === "authorise-sequencer-key") change(name, { keyAuthorised: true, keyPublished: true });
        else if (step.kind === "fix-snapshot") present = { ...present, snapshotFixed: true };
        else if (step.kind === "bootstrap-sequencer") change(name, { bootstrapped: true });
      },
      onRunning: () => running++,
      onProgress: (what) => open.push(what),
      wakeup: new Wakeup(),
      logger: silentLogger,
    },
    new AbortController().signal,
  );
  expect(running).toBe(1);
  expect(taken.indexOf("bootstrap-sequencer up")).toBeLessThan(taken.indexOf("bootstrap-sequencer down"));
  expect(open.some((what) => what?.includes("initialise-sequencer down: connection refused"))).toBe(true);
  expect(open.at(-1)).toBeUndefined();
});

test("stops at once when told to", async () => {
  const stop = new AbortController();
  const running = runBootstrap(
    {
      observe: async () => facts,
      take: async () => {
        throw new Error("connection refused");
      },
      onRunning: () => undefined,
      onProgress: () => stop.abort(new Error("stopped")),
      wakeup: new Wakeup(),
      logger: silentLogger,
    },
    stop.signal,
  );
  await expect(running).rejects.toThrow("stopped");
});
