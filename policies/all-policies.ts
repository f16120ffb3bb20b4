/** The policies of the pack. */
import { backups } from "./data/backups.ts";
import { customerManagedKeys } from "./data/customer-managed-keys.ts";
import { deletionProtection } from "./data/deletion-protection.ts";
import { encryptionAtRest } from "./data/encryption-at-rest.ts";
import { highAvailability } from "./data/high-availability.ts";
import { permissionedDomain } from "./ledger/permissioned-domain.ts";
import { rootKeyOffNode } from "./ledger/root-key-off-node.ts";
import { encryptionInTransit } from "./network/encryption-in-transit.ts";
import { noOpenIngress } from "./network/no-open-ingress.ts";
import { noPublicBucket } from "./network/no-public-bucket.ts";
import { noPublicDatabase } from "./network/no-public-database.ts";
import { allowedRegions } from "./placement/allowed-regions.ts";
import { requiredTags } from "./placement/required-tags.ts";
import type { CantonPolicy } from "./policy.ts";
import { imagesByDigest } from "./workloads/images-by-digest.ts";
import { noPlainSecrets } from "./workloads/no-plain-secrets.ts";
import { podSecurity } from "./workloads/pod-security.ts";

/** All of them, in the order in which people read of them. */
export const allPolicies: readonly CantonPolicy[] = [
  encryptionAtRest,
  customerManagedKeys,
  encryptionInTransit,
  noPublicDatabase,
  noPublicBucket,
  noOpenIngress,
  permissionedDomain,
  rootKeyOffNode,
  highAvailability,
  backups,
  deletionProtection,
  imagesByDigest,
  podSecurity,
  noPlainSecrets,
  requiredTags,
  allowedRegions,
];
