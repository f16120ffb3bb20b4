// The Pulumi engine, as a module to build it from where its official release cannot be downloaded. Which hashes the
// build accepts is in go.sum; ./build.ts says how it is built. Version: keep in step with ./version.ts.
module engine

go 1.25.11

require (
	github.com/pulumi/pulumi/pkg/v3 v3.255.0
	github.com/pulumi/pulumi/sdk/v3 v3.255.0
)

// pkg/v3 itself has this replacement, and a replacement counts only in the main module.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
