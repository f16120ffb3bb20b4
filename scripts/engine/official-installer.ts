/** `official-installer.ts VERSION FOLDER`: installs Pulumi's official release into FOLDER/bin. Started by ./download.ts. */
import { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { SemVer } from "semver";

const [version, folder] = process.argv.slice(2);
if (version === undefined || folder === undefined) throw new Error("usage: official-installer.ts VERSION FOLDER");
await PulumiCommand.install({ version: new SemVer(version), root: folder });
