/** Regions of Azure, as far as it matters where things are put. */

/** A region. */
export interface AzureRegionFacts {
  /** Whether it has three zones. */
  readonly zones: boolean;
  /** Where Azure keeps the copies that are to survive it. Absent: nowhere. */
  readonly pair?: string;
}

const withZones: Readonly<Record<string, string>> = {
  australiaeast: "australiasoutheast",
  brazilsouth: "southcentralus",
  canadacentral: "canadaeast",
  centralindia: "southindia",
  centralus: "eastus2",
  eastasia: "southeastasia",
  eastus: "westus",
  eastus2: "centralus",
  francecentral: "francesouth",
  germanywestcentral: "germanynorth",
  japaneast: "japanwest",
  japanwest: "japaneast",
  koreacentral: "koreasouth",
  northeurope: "westeurope",
  norwayeast: "norwaywest",
  southafricanorth: "southafricawest",
  southcentralus: "northcentralus",
  southeastasia: "eastasia",
  swedencentral: "swedensouth",
  switzerlandnorth: "switzerlandwest",
  uaenorth: "uaecentral",
  uksouth: "ukwest",
  westeurope: "northeurope",
  westus2: "westcentralus",
  westus3: "eastus",
};

const withoutZones: Readonly<Record<string, string>> = {
  australiacentral: "australiacentral2",
  australiasoutheast: "australiaeast",
  canadaeast: "canadacentral",
  francesouth: "francecentral",
  germanynorth: "germanywestcentral",
  koreasouth: "koreacentral",
  northcentralus: "southcentralus",
  norwaywest: "norwayeast",
  southafricawest: "southafricanorth",
  southindia: "centralindia",
  swedensouth: "swedencentral",
  switzerlandwest: "switzerlandnorth",
  uaecentral: "uaenorth",
  ukwest: "uksouth",
  westcentralus: "westus2",
  westus: "eastus",
};

/** Newer ones, which have zones and no pair. */
const withoutPair = [
  "austriaeast",
  "belgiumcentral",
  "chilecentral",
  "indonesiacentral",
  "israelcentral",
  "italynorth",
  "malaysiawest",
  "mexicocentral",
  "newzealandnorth",
  "polandcentral",
  "qatarcentral",
  "spaincentral",
];

function each(pairs: Readonly<Record<string, string>>, zones: boolean): [string, AzureRegionFacts][] {
  return Object.entries(pairs).map(([region, pair]) => [region, { zones, pair }]);
}

/** All regions that a deployment can be in, by name. */
export const azureRegions: ReadonlyMap<string, AzureRegionFacts> = new Map([
  ...each(withZones, true),
  ...each(withoutZones, false),
  ...withoutPair.map((region): [string, AzureRegionFacts] => [region, { zones: true }]),
]);
