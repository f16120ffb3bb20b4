/** From the credentials that Azure hands out to a kubeconfig that works without a person. Pure. */
import { parse, stringify } from "yaml";

/** The application that stands for the API servers of all clusters of Azure. */
const apiServer = "6dae42f8-4368-4678-94ff-3e3cb7c1f4fc";

/** Credentials as Azure lists them. */
export interface AzureCredentials {
  readonly kubeconfigs: readonly { readonly name: string; readonly value: string }[];
}

/**
 * The first kubeconfig in a list.
 *
 * @throws Error when there is none
 */
export function kubeconfigOf({ kubeconfigs }: AzureCredentials): string {
  const [first] = kubeconfigs;
  if (first === undefined) throw new Error("Azure listed no credentials of the cluster; expected one kubeconfig");
  return Buffer.from(first.value, "base64").toString("utf8");
}

/**
 * The same with every user signed in by `kubelogin`, as whoever is signed in to Azure on the machine: the environment variable
 * `AAD_LOGIN_METHOD` chooses another way, such as `workloadidentity` in a pipeline.
 */
export function withKubelogin(kubeconfig: string): string {
  const config = parse(kubeconfig);
  return stringify({
    ...config,
    users: (config.users as { name: string }[]).map(({ name }) => ({
      name,
      user: {
        exec: {
          apiVersion: "client.authentication.k8s.io/v1beta1",
          command: "kubelogin",
          args: ["get-token", "--login", "azurecli", "--server-id", apiServer],
          installHint: "kubelogin signs in to clusters of Azure: https://azure.github.io/kubelogin/",
          interactiveMode: "Never",
          provideClusterInfo: false,
        },
      },
    })),
  });
}
