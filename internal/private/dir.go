// Package private makes folders that only their user can write to: what lies there is
// believed.
package private

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir makes the folder dir if it is not there, refuses one that others may have
// written to, and returns its absolute path.
func Dir(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if err := trusted(info); err != nil {
		return "", fmt.Errorf("cache folder %s: %w", dir, err)
	}
	return filepath.Abs(dir)
}
