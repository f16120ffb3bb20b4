import type { dynamic } from "@pulumi/pulumi";

/** One for each module: turning functions into text is slow, and the SDK does it once for every provider object. */
const providers = new Map<string, dynamic.ResourceProvider>();

/**
 * The provider of a dynamic resource as Pulumi stores it: the engine keeps the text of these functions in the state, and a
 * later delete runs that text. So they hold nothing but the name of an installed module, which does the work and may be
 * corrected later. The module exports `provider`.
 *
 * @param providerModule such as `@pulumi-canton/components/topology/allow-listing/provider.ts`; never rename one that is in use
 */
export function thinProvider(providerModule: string): dynamic.ResourceProvider {
  const known = providers.get(providerModule);
  if (known !== undefined) return known;
  const provider: dynamic.ResourceProvider = {
    check: async (olds, news) => (await import(providerModule)).provider.check(olds, news),
    diff: async (id, olds, news) => (await import(providerModule)).provider.diff(id, olds, news),
    create: async (inputs) => (await import(providerModule)).provider.create(inputs),
    read: async (id, state) => (await import(providerModule)).provider.read(id, state),
    update: async (id, olds, news) => (await import(providerModule)).provider.update(id, olds, news),
    delete: async (id, state) => (await import(providerModule)).provider.delete(id, state),
  };
  providers.set(providerModule, provider);
  return provider;
}
