import { expect, test } from "vitest";
import { recordedState, recording } from "./recording.ts";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

test("what was drawn is a placeholder wherever it is; times and places are left out", () => {
  const password = {
    urn: "urn:1",
    type: "random:index/randomPassword:RandomPassword",
    created: "2026",
    outputs: { length: 4, result: secret("Xy7z") },
  };
  const user = {
    urn: "urn:2",
    type: "gcp:sql/user:User",
    sourcePosition: "project:///stacks/gcp.ts#1",
    inputs: { password: secret("Xy7z"), url: secret(JSON.stringify({ password: "Xy7z" })), name: "Xy" },
  };
  const recorded = recording(
    JSON.stringify({ version: 3, deployment: { manifest: { time: "2026" }, resources: [password, user] } }),
  );
  expect(recorded).not.toMatch(/Xy7z|2026|project:/);
  expect(recorded.trimEnd().split("\n")).toHaveLength(3);
  expect(JSON.parse(recordedState(recorded))).toEqual({
    version: 3,
    deployment: {
      manifest: {},
      resources: [
        { urn: "urn:1", type: password.type, outputs: { length: 4, result: secret("recorded-1") } },
        {
          urn: "urn:2",
          type: user.type,
          inputs: {
            password: secret("recorded-1"),
            url: secret(JSON.stringify({ password: "recorded-1" })),
            name: "Xy",
          },
        },
      ],
    },
  });
});
