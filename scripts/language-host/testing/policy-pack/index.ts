/** A policy pack for the language host's tests: no text may say "forbidden". */
import { PolicyPack } from "@pulumi/policy";

new PolicyPack("language-host-policies", {
  policies: [
    {
      name: "no-forbidden-text",
      description: "Text must not be forbidden.",
      enforcementLevel: "mandatory",
      validateResource: (args, reportViolation) => {
        if (args.props.text === "forbidden") reportViolation("this text is forbidden");
      },
    },
  ],
});
