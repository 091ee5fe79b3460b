//go:build !linux

package native

import "runtime"

// lineages are found on Linux alone.
type lineages struct{}

func newLineages() *lineages { return &lineages{} }

func (l *lineages) make(string) (*lineage, error) {
	if l == nil || runtime.GOOS == "windows" {
		return nil, nil
	}
	return nil, unsupported("the subreaper", "run it on Linux")
}

type lineage struct{}

func (*lineage) imprint(int) error { return nil }
func (*lineage) kill()             {}
func (*lineage) end()              {}
func (*lineage) vanish()           {}
