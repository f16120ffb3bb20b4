/** What every infrastructure component takes. */
export interface InfrastructureArgs {
  /** Start of every resource's name: 2 to 20 lower-case letters, digits or hyphens, a letter first. */
  readonly name: string;
  /** `dev`, `staging` or `production`: what is not set otherwise follows from it. */
  readonly environment: string;
  /** Region of the cloud. */
  readonly region: string;
  /** Further keys of the configuration of the cloud's template, as its documentation describes them. */
  readonly settings?: Record<string, any>;
}
