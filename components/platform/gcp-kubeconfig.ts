/** How a cluster of GKE is reached: with the credentials of whoever is signed in to gcloud. Pure. */

/** A control plane. */
export interface GkeControlPlane {
  readonly name: string;
  /** Host name or address. */
  readonly host: string;
  /** Authority of its certificate, PEM in Base64. Absent: those that every machine knows. */
  readonly caCertificate?: string;
  /** Example: `"socks5://localhost:1080"`. */
  readonly proxyUrl?: string | undefined;
}

/** A kubeconfig, as JSON. Nothing in it is a credential: `gke-gcloud-auth-plugin` brings that. */
export function gkeKubeconfig({ name, host, caCertificate, proxyUrl }: GkeControlPlane): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: `https://${host}`,
          ...(caCertificate !== undefined && { "certificate-authority-data": caCertificate }),
          ...(proxyUrl !== undefined && { "proxy-url": proxyUrl }),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "gke-gcloud-auth-plugin",
            installHint: "Install gke-gcloud-auth-plugin: gcloud components install gke-gcloud-auth-plugin",
            provideClusterInfo: true,
            interactiveMode: "Never",
          },
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}
