/** What a stack costs a month, before and after, from what its resources ask for. Pure. */
import { isUnknown, type PlannedResource, type Properties } from "../events.ts";
import * as prices from "./prices.ts";

const hours = 730;

/** What a resource costs a month in US dollars, and what was assumed where its inputs do not say. */
export interface Cost {
  readonly usd: number;
  readonly assumed?: string;
}

/** A resource that costs something. */
export interface CostLine {
  readonly type: string;
  readonly name: string;
  readonly before: number;
  readonly after: number;
  readonly assumed?: string;
}

/** The estimate of a stack. */
export interface Estimate {
  /** US dollars a month. */
  readonly before: number;
  readonly after: number;
  readonly lines: readonly CostLine[];
  /** Resources that are billed by use, which is not in the sums. */
  readonly byUse: readonly { readonly type: string; readonly count: number }[];
  /** Resources of which nothing is known. */
  readonly notEstimated: readonly { readonly type: string; readonly count: number }[];
}

/** Estimates a stack. A resource whose inputs are not known yet counts as not estimated. */
export function estimate(resources: readonly PlannedResource[]): Estimate {
  const lines: CostLine[] = [];
  const used: string[] = [];
  const notKnown: string[] = [];
  for (const { type, name, before, after, fate } of resources) {
    const costs = [before, fate === "delete" ? undefined : after].map((inputs) => inputs && costOf(type, inputs));
    if (costs.includes("by use")) used.push(type);
    else if (costs.includes("not known")) notKnown.push(type);
    else {
      const [was, is] = costs.map((cost) => (typeof cost === "object" ? cost : undefined));
      const assumed = (is ?? was)?.assumed;
      if (was?.usd || is?.usd) {
        lines.push({ type, name, before: was?.usd ?? 0, after: is?.usd ?? 0, ...(assumed && { assumed }) });
      }
    }
  }
  return {
    before: sum(lines.map(({ before }) => before)),
    after: sum(lines.map(({ after }) => after)),
    lines: lines.toSorted((one, other) => other.after - one.after || other.before - one.before),
    byUse: counted(used),
    notEstimated: counted(notKnown),
  };
}

/** What a resource costs. `by use`: only its bill tells; `not known`: nothing is known of its type, or of its size. */
export function costOf(type: string, inputs: Properties): Cost | "by use" | "not known" {
  const sized = sizes[type];
  if (sized !== undefined) return sized(inputs) ?? "not known";
  const flat = prices.flat[type];
  if (flat !== undefined) return { usd: flat };
  if (prices.byUse.some((pattern) => pattern.test(type))) return "by use";
  if (prices.free.some((pattern) => pattern.test(type)) || isComponent(type)) return { usd: 0 };
  return "not known";
}

/** Types whose price follows from their inputs; undefined where a size is not known. */
const sizes: Readonly<Record<string, (inputs: Properties) => Cost | undefined>> = {
  "aws:rds/instance:Instance": (inputs) => {
    const machine = awsMachine(prices.rdsLarge, text(inputs, "instanceClass")?.replace(/^db\./, ""));
    if (machine === undefined) return undefined;
    const zones = at(inputs, "multiAz") === true ? 2 : 1;
    return { usd: zones * (machine + number(inputs, "allocatedStorage", 20) * prices.storage.rds) };
  },
  "aws:ec2/instance:Instance": (inputs) => priced(awsMachine(prices.ec2Large, text(inputs, "instanceType"))),
  "aws:eks/nodeGroup:NodeGroup": (inputs) => {
    const types = at(inputs, "instanceTypes");
    // EKS's own default.
    const machine = awsMachine(prices.ec2Large, Array.isArray(types) ? String(types[0]) : "t3.medium");
    const disk = number(inputs, "diskSize", 20) * prices.storage.ebs;
    return machine === undefined
      ? undefined
      : { usd: number(inputs, "scalingConfig.desiredSize", 2) * (machine + disk) };
  },
  "aws:ebs/volume:Volume": (inputs) => ({ usd: number(inputs, "size", 8) * prices.storage.ebs }),
  "aws:ec2/vpcEndpoint:VpcEndpoint": (inputs) => {
    if (text(inputs, "vpcEndpointType") !== "Interface") return { usd: 0 };
    const subnets = at(inputs, "subnetIds");
    return { usd: 7.3 * (Array.isArray(subnets) ? subnets.length : 1) };
  },
  "azure-native:dbforpostgresql:Server": (inputs) => {
    const machine = azurePostgres(text(inputs, "sku.name"));
    if (machine === undefined) return undefined;
    const zones = ["ZoneRedundant", "SameZone"].includes(text(inputs, "highAvailability.mode") ?? "") ? 2 : 1;
    return { usd: zones * (machine + number(inputs, "storage.storageSizeGB", 32) * prices.storage.azurePostgres) };
  },
  "azure-native:containerservice:ManagedCluster": (inputs) => {
    const plane = prices.aksTier[text(inputs, "sku.tier") ?? "Free"];
    const pools = (at(inputs, "agentPoolProfiles") as readonly Properties[] | undefined) ?? [];
    const machines = Array.isArray(pools) ? pools.map(azurePool) : [undefined];
    return plane === undefined || machines.includes(undefined) ? undefined : { usd: plane + sum(machines as number[]) };
  },
  "azure-native:containerservice:AgentPool": (inputs) => priced(azurePool(inputs)),
  "azure-native:compute:VirtualMachine": (inputs) => priced(azureMachine(text(inputs, "hardwareProfile.vmSize"))),
  "azure-native:network:VirtualNetworkGateway": (inputs) =>
    priced(prices.azureGateway[text(inputs, "sku.name") ?? "VpnGw1"]),
  "azure-native:network:BastionHost": (inputs) => priced(prices.azureBastion[text(inputs, "sku.name") ?? "Basic"]),
  "gcp:sql/databaseInstance:DatabaseInstance": (inputs) => {
    const machine = cloudSqlMachine(text(inputs, "settings.tier"));
    if (machine === undefined) return undefined;
    const zones = text(inputs, "settings.availabilityType") === "REGIONAL" ? 2 : 1;
    return { usd: zones * (machine + number(inputs, "settings.diskSize", 10) * prices.storage.cloudSql) };
  },
  "gcp:container/nodePool:NodePool": (inputs) => {
    const machine = gceMachine(text(inputs, "nodeConfig.machineType") ?? "e2-medium");
    if (machine === undefined) return undefined;
    const listed = at(inputs, "nodeLocations");
    const regional = /^[a-z]+-[a-z]+\d+$/.test(text(inputs, "location") ?? "");
    const zones = Array.isArray(listed) ? listed.length : regional ? 3 : 1;
    const total = at(inputs, "autoscaling.totalMinNodeCount");
    const each =
      at(inputs, "autoscaling.minNodeCount") ?? at(inputs, "nodeCount") ?? at(inputs, "initialNodeCount") ?? 1;
    const nodes = typeof total === "number" ? total : Number(each) * zones;
    const disk = number(inputs, "nodeConfig.diskSizeGb", 100) * gceDisk(text(inputs, "nodeConfig.diskType"));
    if (!Number.isFinite(nodes)) return undefined;
    return {
      usd: nodes * (machine + disk),
      ...(!Array.isArray(listed) && regional && { assumed: "three zones" }),
    };
  },
  "gcp:compute/instance:Instance": (inputs) => priced(gceMachine(text(inputs, "machineType"))),
  "gcp:compute/disk:Disk": (inputs) => ({ usd: number(inputs, "size", 10) * gceDisk(text(inputs, "type")) }),
  "kubernetes:core/v1:Service": (inputs) => ({ usd: text(inputs, "spec.type") === "LoadBalancer" ? 20 : 0 }),
  "kubernetes:core/v1:PersistentVolumeClaim": (inputs) => ({
    usd: gigabytes(at(inputs, "spec.resources.requests.storage")) * prices.storage.kubernetes,
  }),
  "kubernetes:apps/v1:StatefulSet": (inputs) => {
    const claims = at(inputs, "spec.volumeClaimTemplates");
    const each = Array.isArray(claims)
      ? sum(claims.map((claim: Properties) => gigabytes(at(claim, "spec.resources.requests.storage"))))
      : 0;
    return { usd: number(inputs, "spec.replicas", 1) * each * prices.storage.kubernetes };
  },
};

/** `m6g.2xlarge`, in dollars a month. */
function awsMachine(large: Readonly<Record<string, number>>, name: string | undefined): number | undefined {
  const [, family = "", times, size = ""] = /^([a-z]\w*)\.(\d+)?([a-z]+)$/.exec(name ?? "") ?? [];
  const [base, multiple] = [large[family], prices.awsSizes[size]];
  if (base === undefined || multiple === undefined) return undefined;
  // 2xlarge is twice xlarge.
  return hours * base * multiple * (times === undefined ? 1 : Number(times));
}

/** `Standard_D4ds_v5`: series, vCPUs, features; in dollars a month. */
function azureMachine(name: string | undefined): number | undefined {
  const [, series = "", cores, features = ""] = /^Standard_([A-Z])(\d+)([a-z]*)(?:_v\d)?$/.exec(name ?? "") ?? [];
  const feature = ["a", "p", "d"].find((letter) => features.includes(letter)) ?? "";
  const core = prices.azureCore[series + feature] ?? prices.azureCore[series];
  return core === undefined ? undefined : hours * core * Number(cores);
}

function azurePool(pool: Properties): number | undefined {
  const machine = azureMachine(text(pool, "vmSize"));
  const count = at(pool, "minCount") ?? at(pool, "count") ?? 1;
  const disk = number(pool, "osDiskSizeGB", 128) * prices.storage.azureDisk;
  const paid = text(pool, "osDiskType") === "Ephemeral" ? 0 : disk;
  return machine === undefined || typeof count !== "number" ? undefined : count * (machine + paid);
}

function azurePostgres(sku: string | undefined): number | undefined {
  const burstable = prices.azurePostgresBurstable[sku ?? ""];
  if (burstable !== undefined) return burstable;
  const [, series = "", cores] = /^Standard_([A-Z])(\d+)/.exec(sku ?? "") ?? [];
  const core = prices.azurePostgresCore[series];
  return core === undefined ? undefined : hours * core * Number(cores);
}

/** `db-custom-2-7680`: vCPUs and MB; `db-perf-optimized-N-4`: vCPUs; or one of the shared ones. */
function cloudSqlMachine(tier: string | undefined): number | undefined {
  const shared: Readonly<Record<string, number>> = prices.cloudSql.shared;
  const [, cores, megabytes] = /^db-custom-(\d+)-(\d+)$/.exec(tier ?? "") ?? [];
  const [, plus] = /^db-perf-optimized-N-(\d+)$/.exec(tier ?? "") ?? [];
  if (plus !== undefined) return Number(plus) * prices.cloudSql.plusCore;
  if (cores === undefined) return shared[tier ?? ""];
  return Number(cores) * prices.cloudSql.core + (Number(megabytes) / 1024) * prices.cloudSql.gigabyteOfMemory;
}

/** `n2-standard-4`, in dollars a month. */
function gceMachine(name: string | undefined): number | undefined {
  const shared = prices.gceShared[name ?? ""];
  if (shared !== undefined) return hours * shared * (prices.gceCore["e2"] as number);
  const [, series = "", kind = "", cores] = /^([a-z]\w*)-(standard|highmem|highcpu)-(\d+)/.exec(name ?? "") ?? [];
  const [core, multiple] = [prices.gceCore[series], prices.gceKinds[kind]];
  return core === undefined || multiple === undefined ? undefined : hours * core * multiple * Number(cores);
}

function gceDisk(type: string | undefined): number {
  const disks: Readonly<Record<string, number>> = prices.storage.persistentDisk;
  return disks[type ?? ""] ?? prices.storage.persistentDisk["pd-balanced"];
}

/** `20Gi`. */
function gigabytes(quantity: unknown): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([KMGT])i?$/.exec(String(quantity)) ?? [];
  return Number(amount ?? 0) * ({ K: 1e-6, M: 1e-3, G: 1, T: 1000 }[unit ?? "G"] ?? 1);
}

function priced(usd: number | undefined): Cost | undefined {
  return usd === undefined ? undefined : { usd };
}

/** Components group others; `package:folder:Class` without a module of a cloud. */
function isComponent(type: string): boolean {
  return type.startsWith("pulumi-canton:");
}

function at(inputs: Properties, path: string): unknown {
  let value: unknown = inputs;
  for (const key of path.split(".")) {
    value = typeof value === "object" && value !== null ? (value as Properties)[key] : undefined;
  }
  return isUnknown(value) ? undefined : value;
}

function text(inputs: Properties, path: string): string | undefined {
  const value = at(inputs, path);
  return typeof value === "string" ? value : undefined;
}

function number(inputs: Properties, path: string, fallback: number): number {
  const value = at(inputs, path);
  return typeof value === "number" ? value : fallback;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function counted(types: readonly string[]): { type: string; count: number }[] {
  return [...Map.groupBy(types, (type) => type)]
    .map(([type, own]) => ({ type, count: own.length }))
    .toSorted((one, other) => one.type.localeCompare(other.type));
}
