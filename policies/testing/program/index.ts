/** A domain as far as policies look at one; nothing of it is ever made. */
import { ComponentResource, Config, dynamic } from "@pulumi/pulumi";

const policy = new Config().require("policy");

class Domain extends ComponentResource {
  constructor(name: string) {
    super("pulumi-canton:domain:Domain", name);
    this.registerOutputs({ policy, sequencers: [{}, {}] });
  }
}

class NodeIdentity extends dynamic.Resource {
  constructor(name: string, parent: ComponentResource) {
    const provider: dynamic.ResourceProvider = { create: async (inputs) => ({ id: name, outs: inputs }) };
    super(provider, name, { rootKey: "elsewhere" }, { parent }, "topology", "NodeIdentity");
  }
}

new NodeIdentity("mydomain-identity", new Domain("mydomain"));
