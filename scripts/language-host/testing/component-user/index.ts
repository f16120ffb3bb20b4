/** A program that uses a component package through the SDK that `pulumi package add` generated. */
import { Config } from "@pulumi/pulumi";

// Not there before it is generated, so that types cannot be checked.
const sdk = "@pulumi/language-host-component";
const { Greeting } = await import(sdk);

export const { text } = new Greeting("greeting", { name: new Config().require("name") });
