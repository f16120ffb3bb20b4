/** What components ask the engine for, under the SDK's mocks: nothing is made. */
import { runtime } from "@pulumi/pulumi";

/** A resource that was asked for. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Secrets are marked as such, see {@link secretly}. */
  readonly inputs: any;
}

/**
 * Starts to write down what is asked for, for a whole test file.
 *
 * @param given what resources of a type give out besides their inputs
 */
export async function register(given: Readonly<Record<string, (name: string) => object>> = {}): Promise<Registered[]> {
  const registered: Registered[] = [];
  await runtime.setMocks(
    {
      call: ({ token }) => {
        throw new Error(`nobody answers ${token}`);
      },
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        return { id: `${name}-id`, state: { ...inputs, ...given[type]?.(name) } };
      },
    },
    "project",
    "stack",
    false,
  );
  return registered;
}

/** A value as the engine is told that it is secret. */
export function secretly(value: unknown): object {
  return { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value };
}
