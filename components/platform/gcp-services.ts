import { Service } from "@pulumi/gcp/projects/service.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";

/** Services of Google that every deployment uses. */
export const gcpServices = [
  "artifactregistry",
  "cloudkms",
  "cloudresourcemanager",
  "compute",
  "container",
  "dns",
  "iam",
  "logging",
  "secretmanager",
  "servicenetworking",
  "sqladmin",
  "storage",
] as const;

/** Arguments of `GcpServices`. */
export interface GcpServicesArgs {
  /** Id of the project. Example: `"acme-canton-prod"`. */
  readonly project: string;
  /** Services besides those that every deployment uses. Example: `["iap"]`. Default: none. */
  readonly more?: readonly string[];
}

/**
 * Switches on the services of Google that a deployment uses. They stay on when the stack goes: others of the project may use
 * them too.
 *
 * Resources: 13, and 1 for every service more.
 *
 * Cost: none.
 */
export class GcpServices extends ComponentResource {
  /** What has to be there before anything else. */
  readonly services: readonly Service[];

  constructor(name: string, { project, more = [] }: GcpServicesArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:GcpServices", name, {}, options);
    this.services = [...gcpServices, ...more].map(
      (service) =>
        new Service(
          `${name}-${service}`,
          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
          { parent: this, retainOnDelete: true },
        ),
    );
    this.registerOutputs();
  }
}
