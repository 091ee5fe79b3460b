package fs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAccess compares opening and describing a file through an Fs, through
// os.Root and by plain calls.
func BenchmarkAccess(b *testing.B) {
	f, root := newFs(b)
	r, err := os.OpenRoot(root)
	require.NoError(b, err)
	b.Cleanup(func() { r.Close() })
	for depth, p := range map[string]string{"depth=1": "file", "depth=5": "a/b/c/d/file"} {
		require.NoError(b, os.MkdirAll(filepath.Join(root, filepath.Dir(p)), 0o755))
		require.NoError(b, os.WriteFile(filepath.Join(root, p), nil, 0o644))
		whole := filepath.Join(root, p)
		for name, op := range map[string]func() error{
			"open/fs":     func() error { return closed(f.Open(p)) },
			"open/osRoot": func() error { return closed(r.Open(p)) },
			"open/os":     func() error { return closed(os.Open(whole)) },
			"stat/fs":     func() error { _, err := f.Stat(p); return err },
			"stat/osRoot": func() error { _, err := r.Stat(p); return err },
			"stat/os":     func() error { _, err := os.Stat(whole); return err },
		} {
			b.Run(depth+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := op(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func closed[F interface{ Close() error }](f F, err error) error {
	if err != nil {
		return err
	}
	return f.Close()
}
