/** A component package for the language host's tests. */
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";

export interface GreetingArgs {
  /** Who is greeted. */
  readonly name: Input<string>;
}

/** Greets someone. */
export class Greeting extends ComponentResource {
  /** What is said. */
  declare readonly text: Output<string>;

  constructor(name: string, args: GreetingArgs, options?: ComponentResourceOptions) {
    super("language-host-component:index:Greeting", name, args, options);
    this.text = output(args.name).apply((who) => `hello ${who}`);
    this.registerOutputs({ text: this.text });
  }
}
