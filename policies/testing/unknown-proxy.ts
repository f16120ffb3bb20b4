/** The wrapping in which the engine's SDK gives properties to policies: it throws when an unknown value is looked at. */
import * as proxy from "@pulumi/policy/proxy.js";

/** The SDK has it, its types do not. */
export const { unknownCheckingProxy } = proxy as unknown as { unknownCheckingProxy<T>(properties: T): T };
