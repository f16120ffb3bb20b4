import { CryptoKey } from "@pulumi/gcp/kms/cryptoKey.js";
import { CryptoKeyIAMMember } from "@pulumi/gcp/kms/cryptoKeyIAMMember.js";
import { KeyRing } from "@pulumi/gcp/kms/keyRing.js";
import { getProjectOutput } from "@pulumi/gcp/organizations/getProject.js";
import { ServiceIdentity } from "@pulumi/gcp/projects/serviceIdentity.js";
import { getProjectServiceAccountOutput } from "@pulumi/gcp/storage/getProjectServiceAccount.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  type Output,
  output,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";

/** What keys are for; each has its own, so that who may use one can use no other. */
export const gcpKeyPurposes = ["nodes", "database", "disks", "storage", "secrets"] as const;
/** One of {@link gcpKeyPurposes}: `nodes` wraps the nodes' private keys, `disks` encrypts disks and what Kubernetes keeps. */
export type GcpKeyPurpose = (typeof gcpKeyPurposes)[number];

/** Arguments of `GcpKeys`. */
export interface GcpKeysArgs {
  readonly deployment: Deployment;
  /** Id of the project. Example: `"acme-canton-prod"`. */
  readonly project: string;
  /** Region of what the keys encrypt. Example: `"europe-west3"`. */
  readonly region: string;
  /** Where keys are kept: `SOFTWARE`, or `HSM`, from which they cannot be taken. Default: `HSM`. */
  readonly protectionLevel?: "SOFTWARE" | "HSM";
  /** Days after which a key gets a new version; what is encrypted with older ones stays readable. 1 to 3650. Default: 90. */
  readonly rotationDays?: number;
  /**
   * Where the key is that wraps the nodes' private keys. In a location of several regions it outlasts each of them, as a standby
   * region needs. Default: the region. Example: `"europe"`.
   */
  readonly nodesLocation?: string | undefined;
  /** Resource name of the key that wraps them already, in the region that this one is the standby of. Default: one of its own. */
  readonly nodesKey?: Input<string>;
  /** Keeps the keys when the stack is destroyed: without them all data is lost. Default: true. */
  readonly retain?: boolean;
}

/**
 * Customer-managed keys in Cloud KMS, one for each kind of data, and the right to use each for exactly those services of Google
 * that need it. A key's name is given out once they have it.
 *
 * Resources: 14, and 1 for another location of the nodes' key. A key ring cannot be deleted, so every deployment gets one of a new name.
 *
 * Cost: a key version in software 0.06 USD a month, in an HSM 1 to 2.50 USD; every rotation adds a version.
 */
export class GcpKeys extends ComponentResource {
  /** Resource names: `projects/…/locations/…/keyRings/…/cryptoKeys/…`. */
  readonly keys: Readonly<Record<GcpKeyPurpose, Output<string>>>;
  /** The section `crypto.keyEncryption` of the nodes' configuration. */
  declare readonly keyEncryption: Output<{ readonly type: "gcp-kms"; readonly keyId: string }>;

  constructor(name: string, args: GcpKeysArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:GcpKeys", name, {}, options);
    const { deployment, project, region, nodesLocation = region, nodesKey, rotationDays = 90, retain = true } = args;
    if (!Number.isInteger(rotationDays) || rotationDays < 1 || rotationDays > 3650) {
      throw new Error(`rotationDays: got ${rotationDays}; expected 1 to 3650`);
    }
    const root = { parent: this, ...(options.dependsOn && { dependsOn: options.dependsOn }) };
    const called = (...parts: string[]) => nameWithin({ length: 63 }, deployment.name, ...parts);
    const makeRing = (name: string, location: string) =>
      new KeyRing(name, { location }, { ...root, protect: retain, retainOnDelete: retain });

    const ring = makeRing(called("keys"), region);
    const users = usersOfKeys(called, project, root);
    const keyFor = (purpose: GcpKeyPurpose): Output<string> => {
      if (purpose !== "nodes") return this.#makeKey(called, purpose, args, ring, users[purpose]);
      if (nodesKey !== undefined) return output(nodesKey);
      const nodesRing = nodesLocation === region ? ring : makeRing(called("nodes", "keys"), nodesLocation);
      return this.#makeKey(called, purpose, args, nodesRing, users.nodes);
    };
    this.keys = Object.fromEntries(gcpKeyPurposes.map((purpose) => [purpose, keyFor(purpose)])) as GcpKeys["keys"];
    this.keyEncryption = this.keys.nodes.apply((keyId) => ({ type: "gcp-kms" as const, keyId }));
    this.registerOutputs({ keys: this.keys, keyEncryption: this.keyEncryption });
  }

  /** A key, and the right to use it. */
  #makeKey(
    called: (...parts: string[]) => string,
    purpose: GcpKeyPurpose,
    { deployment, protectionLevel = "HSM", rotationDays = 90, retain = true }: GcpKeysArgs,
    ring: KeyRing,
    users: Record<string, Output<string>>,
  ): Output<string> {
    const key = new CryptoKey(
      called(purpose),
      {
        name: purpose,
        keyRing: ring.id,
        purpose: "ENCRYPT_DECRYPT",
        rotationPeriod: `${rotationDays * 86_400}s`,
        destroyScheduledDuration: `${30 * 86_400}s`,
        versionTemplate: { algorithm: "GOOGLE_SYMMETRIC_ENCRYPTION", protectionLevel },
        labels: tagsOf(deployment),
      },
      { parent: this, protect: retain, retainOnDelete: retain },
    );
    const grants = Object.entries(users).map(
      ([user, member]) =>
        new CryptoKeyIAMMember(
          called(purpose, "for", user),
          { cryptoKeyId: key.id, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member },
          { parent: this },
        ),
    );
    return all([key.id, ...grants.map(({ id }) => id)]).apply(([id]) => id as string);
  }
}

/** Google's own accounts that encrypt with each key. That of the nodes is for the nodes alone. */
function usersOfKeys(
  called: (...parts: string[]) => string,
  project: string,
  options: ComponentResourceOptions,
): Record<GcpKeyPurpose, Record<string, Output<string>>> {
  const { number } = getProjectOutput({ projectId: project }, options);
  // These two exist only once somebody asked for them.
  const agent = (service: string) =>
    new ServiceIdentity(called("agent", service), { project, service: `${service}.googleapis.com` }, options).member;
  const robot = (domain: string) => interpolate`serviceAccount:service-${number}@${domain}.iam.gserviceaccount.com`;
  const { emailAddress } = getProjectServiceAccountOutput({ project }, options);
  return {
    nodes: {},
    database: { "cloud-sql": agent("sqladmin") },
    disks: { compute: robot("compute-system"), gke: robot("container-engine-robot") },
    storage: { storage: interpolate`serviceAccount:${emailAddress}` },
    secrets: { "secret-manager": agent("secretmanager") },
  };
}
