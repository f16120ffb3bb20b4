import { expect, test } from "vitest";
import { parse } from "yaml";
import { kubeconfigOf, withKubelogin } from "./azure-kubeconfig.ts";

const given = `
apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://c:443", certificate-authority-data: Q0E= } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
current-context: c
users: [{ name: u, user: { client-key-data: S0VZ, token: abc } }]
`;

test("users sign in by kubelogin and keep no credential; clusters and contexts stay as they are", () => {
  const before = parse(given);
  const after = parse(withKubelogin(given));
  expect({ ...after, users: before.users }).toEqual(before);
  expect(after.users).toEqual([{ name: "u", user: { exec: expect.objectContaining({ command: "kubelogin" }) } }]);
  expect(after.users[0].user.exec.args).toEqual(expect.arrayContaining(["get-token", "--login", "azurecli"]));
  expect(withKubelogin(given)).not.toMatch(/client-key-data|abc/);
});

test("the first kubeconfig that Azure lists is decoded; none is an error", () => {
  expect(kubeconfigOf({ kubeconfigs: [{ name: "c", value: Buffer.from(given).toString("base64") }] })).toBe(given);
  expect(() => kubeconfigOf({ kubeconfigs: [] })).toThrow("Azure listed no credentials of the cluster; expected one");
});
