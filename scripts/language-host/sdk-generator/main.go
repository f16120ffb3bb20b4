// Writes the Node.js SDK of a Pulumi package, as the engine's own generator makes it.
//
// Reads one JSON object from standard input: the package's schema, where the schemas of others can be asked for, and
// whether the SDK is for one program only. Writes files below the folder that it names, and diagnostics as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

type request struct {
	Schema            json.RawMessage   `json:"schema"`
	Directory         string            `json:"directory"`
	LoaderTarget      string            `json:"loaderTarget"`
	ExtraFiles        map[string][]byte `json:"extraFiles"`
	LocalDependencies map[string]string `json:"localDependencies"`
	Local             bool              `json:"local"`
}

type diagnostic struct {
	Severity int32  `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
}

func main() {
	diagnostics, err := generate()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(diagnostics); err != nil {
		os.Exit(1)
	}
}

func generate() ([]diagnostic, error) {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(asked.Schema, &spec); err != nil {
		return nil, err
	}
	loader, err := schema.NewLoaderClient(asked.LoaderTarget)
	if err != nil {
		return nil, err
	}
	bound, found, err := schema.BindSpec(spec, loader, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	diagnostics := []diagnostic{}
	for _, each := range found {
		diagnostics = append(diagnostics, diagnostic{int32(each.Severity), each.Summary, each.Detail})
	}
	if found.HasErrors() {
		return diagnostics, nil
	}
	files, err := nodejs.GeneratePackage(
		"pulumi-canton", bound, asked.ExtraFiles, asked.LocalDependencies, asked.Local, schema.NewCachedLoader(loader))
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		file := filepath.Join(asked.Directory, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return nil, err
		}
	}
	return diagnostics, nil
}
