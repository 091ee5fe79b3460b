// Package interop compares the messages of package reapi with what the API's own
// generated code makes of the same. It is a module of its own so that nobody else
// depends on that.
package interop

import (
	"cmp"
	"fmt"
	iofs "io/fs"
	"slices"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/internal/reapi"
)

func encode(t require.TestingT, m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	return b
}

func digest(d reapi.Digest) *repb.Digest {
	return &repb.Digest{Hash: fmt.Sprintf("%x", d.Hash), SizeBytes: d.Size}
}

var pairs = rapid.SliceOf(rapid.Custom(func(t *rapid.T) reapi.Pair {
	return reapi.Pair{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
}))

func inOrder(list []reapi.Pair) []reapi.Pair {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b reapi.Pair) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return list
}

func TestCommands(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := reapi.Command{
			Arguments:        rapid.SliceOf(rapid.String()).Draw(t, "arguments"),
			Environment:      pairs.Draw(t, "environment"),
			OutputPaths:      rapid.SliceOfDistinct(rapid.String(), rapid.ID).Draw(t, "outputs"),
			WorkingDirectory: rapid.String().Draw(t, "directory"),
		}
		want := &repb.Command{Arguments: c.Arguments, WorkingDirectory: c.WorkingDirectory, OutputPaths: slices.Sorted(slices.Values(c.OutputPaths))}
		for _, v := range inOrder(c.Environment) {
			want.EnvironmentVariables = append(want.EnvironmentVariables, &repb.Command_EnvironmentVariable{Name: v.Name, Value: v.Value})
		}
		got, err := c.Encode()
		require.NoError(t, err)
		require.Equal(t, encode(t, want), got)
	})
}

func TestActions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := reapi.Action{
			Command:   reapi.Sum(rapid.SliceOf(rapid.Byte()).Draw(t, "command")),
			InputRoot: reapi.Sum(rapid.SliceOf(rapid.Byte()).Draw(t, "root")),
			Timeout:   time.Duration(rapid.Int64Min(0).Draw(t, "timeout")),
			Salt:      rapid.String().Draw(t, "salt"),
			Platform:  pairs.Draw(t, "platform"),
		}
		want := &repb.Action{CommandDigest: digest(a.Command), InputRootDigest: digest(a.InputRoot), Salt: []byte(a.Salt)}
		if a.Timeout > 0 {
			want.Timeout = durationpb.New(a.Timeout)
		}
		for _, p := range inOrder(a.Platform) {
			if want.Platform == nil {
				want.Platform = new(repb.Platform)
			}
			want.Platform.Properties = append(want.Platform.Properties, &repb.Platform_Property{Name: p.Name, Value: p.Value})
		}
		require.Equal(t, encode(t, want), a.Encode())
	})
}

func TestDirectories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := fs.Memory()
		want := fill(t, f, "", 3)
		tree, err := reapi.Read(f)
		require.NoError(t, err)
		require.Equal(t, reapi.Sum(encode(t, want)), tree.Digest())
	})
}

// fill makes a directory of f, and the message for it.
func fill(t *rapid.T, f *fs.Fs, at string, deep int) *repb.Directory {
	d := new(repb.Directory)
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zé.-]{1,3}x`), 0, 5, rapid.ID).Draw(t, "names")
	slices.Sort(names)
	for _, name := range names {
		path := at + "/" + name
		switch kind := rapid.SampledFrom([]string{"file", "link", "dir"}).Draw(t, "kind"); {
		case kind == "file":
			content := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content")
			executable := rapid.Bool().Draw(t, "executable")
			perm := iofs.FileMode(0o644)
			if executable {
				perm = 0o755
			}
			require.NoError(t, f.WriteMode(path, content, perm))
			d.Files = append(d.Files, &repb.FileNode{Name: name, Digest: digest(reapi.Sum(content)), IsExecutable: executable})
		case kind == "link":
			target := rapid.StringMatching(`[a-z./]{1,9}`).Draw(t, "target")
			root, err := f.Dir()
			require.NoError(t, err)
			place, err := fs.Resolve(root, root, path, fs.Clamp)
			require.NoError(t, err)
			require.NoError(t, place.Dir.Symlink(target, place.Name))
			place.Close()
			root.Close()
			d.Symlinks = append(d.Symlinks, &repb.SymlinkNode{Name: name, Target: target})
		case deep > 0:
			require.NoError(t, f.EnsureDir(path))
			sub := fill(t, f, path, deep-1)
			d.Directories = append(d.Directories, &repb.DirectoryNode{Name: name, Digest: digest(reapi.Sum(encode(t, sub)))})
		}
	}
	return d
}
