/** All clouds by the package of their types. */
import type { Package } from "../../schema/sdk.ts";
import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import type { Cloud } from "./cloud.ts";
import { gcp } from "./gcp.ts";
import { kubernetes } from "./kubernetes.ts";
import { random } from "./random.ts";
import { tls } from "./tls.ts";

/** See {@link Cloud}. */
export const clouds: Readonly<Record<Package, Cloud>> = { aws, "azure-native": azure, gcp, kubernetes, random, tls };
