/** What every infrastructure component of the package takes. */
export interface InfrastructureArgs {
  /** Start of every resource's name: 2 to 20 lower-case letters, digits or hyphens, a letter first. Example: `canton-prod`. */
  readonly name: string;
  /** `dev`, `staging` or `production`: everything that is not set follows from it. */
  readonly environment: string;
  /** Region of the cloud. Example: `eu-central-1`. */
  readonly region: string;
  /** Further keys of the cloud's template, as the page of the cloud describes them. Default: what the environment's preset says. */
  readonly settings?: Record<string, any>;
}

/**
 * The configuration that a template checks.
 *
 * @throws Error when a setting says again what has an argument of its own
 */
export function configOf({ settings = {}, ...own }: InfrastructureArgs): Record<string, unknown> {
  const twice = Object.keys(own).filter((key) => key in settings);
  if (twice.length > 0) {
    throw new Error(`settings.${twice[0]}: is the argument ${twice[0]} already; expected it there alone`);
  }
  return { ...settings, ...own };
}
