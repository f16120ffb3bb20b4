/** What the local stack offers besides its defaults, all at once: made, found again without a change, shown as drift, taken down. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PartyView } from "@pulumi-canton/console/commands/parties.ts";
import type { UserView } from "@pulumi-canton/console/commands/users.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment } from "./deployment.ts";

const minutes = 60_000;

describe("the local stack with all options", { timeout: 3 * minutes }, () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await Deployment.of("local");
  });
  afterAll(async () => {
    await deployment.dispose();
  }, 2 * minutes);

  const terms = { id: "2026-01", textFile: "terms.txt" };
  function configure(parameters: Readonly<Record<string, unknown>>, more: readonly object[] = []): Promise<void> {
    return deployment.write({
      domain: { owner: "bob", sequencers: 1, parameters, termsOfService: terms },
      participants: [
        { name: "bob", initialisation: "manual" },
        {
          name: "alice",
          parties: ["Alice"],
          users: [{ id: "app", primaryParty: "Alice", actAs: ["Alice"], annotations: { team: "shop" } }],
        },
        ...more,
      ],
      hostings: [{ party: "Alice", participant: "bob", permission: "Confirmation" }],
      invitation: {},
    });
  }

  test("a parameter out of range is told before anything is made", async () => {
    await configure({ maxRequestSize: 10 });
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    expect(text).toContain("domain.parameters.maxRequestSize: got 10; expected an integer from 65536 to 2147483647");
    expect((await deployment.run("pulumi", "stack", "output", "--json")).stdout.trim()).toBe("{}");
  });

  test("a file of terms that is not there is told by where it was looked for: beside the configuration", async () => {
    await configure({});
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    const file = join(deployment.configFile, "..", terms.textFile);
    expect(text).toContain(`domain.termsOfService.textFile: got "terms.txt"; there is no file ${file}`);
    expect(text).not.toContain("    at ");
    await writeFile(file, "Be kind.\n");
  });

  test("all of it comes up, and a second update finds nothing to do", async () => {
    await configure({ reconciliationInterval: "30s" });
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const { nodes, parties } = await deployment.status();
    expect(nodes["bob"]).toMatchObject({ state: "ready", id: expect.stringMatching(/^PAR::bob::1220/) });
    const users = await deployment.console<UserView[]>("users", "list", "--node", "alice");
    expect(users.find(({ id }) => id === "app")).toMatchObject({ primaryParty: parties["Alice"] });
    const hosted = await deployment.console<PartyView[]>("parties", "hosted", "--node", "bob");
    expect(hosted.find(({ party }) => party === parties["Alice"])).toMatchObject({ permission: "Confirmation" });
    const again = await deployment.run("up");
    expect(again.text).toContain("nothing to change");
  });

  test("a participant whose root key is elsewhere waits, and can be reached by the console meanwhile", async () => {
    await configure({ reconciliationInterval: "30s" }, [{ name: "carol", initialisation: "detached" }]);
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    expect(text).toContain("console identity request carol");
    expect((await deployment.status()).nodes["carol"]).toMatchObject({ state: "starting", id: "" });
    const request = join(deployment.home, "..", "carol.yaml");
    const asked = await deployment.run(
      "console",
      "identity",
      "request",
      "carol",
      "--identifier",
      "carol",
      "--out",
      request,
    );
    expect(asked.code, asked.text).toBe(0);
  });
});
