// Modules that ship the definitions of custom resources; nothing of them is compiled. Their hashes are in go.sum.
module definitions

go 1.24.0
