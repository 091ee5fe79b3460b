package processtest

import (
	"errors"
	iofs "io/fs"
	"os"
	"strings"
	"testing"

	"dappco.re/go/cloche/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var startCases = []testCase{
	{"ArgumentsArriveByteForByte", func(t *testing.T, b Backend) {
		args := []string{"", " ", "a b", `"quoted"`, "$HOME", "*", "-x", "--", "\r\n", "\xff\xfe\x80", "日本", "\x01\x7f"}
		got := succeed(t, b, process.Spec{Args: append([]string{"args"}, args...)})
		assert.Equal(t, strings.Join(args, "\x00")+"\x00", got)
	}},
	{"AMegabyteOfArgumentsArrives", func(t *testing.T, b Backend) {
		args := []string{"args"}
		for i := range 16 { // Linux takes at most 128 KiB in one
			args = append(args, strings.Repeat(string(rune('a'+i)), 64<<10))
		}
		got := succeed(t, b, process.Spec{Args: args})
		assert.Equal(t, strings.Join(args[1:], "\x00")+"\x00", got)
	}},
	{"TenMegabytesOfArgumentsRunOrAreRefused", func(t *testing.T, b Backend) {
		args := []string{"args"}
		for range 160 {
			args = append(args, strings.Repeat("x", 64<<10))
		}
		stdout := newTape()
		i, err := b.Executor.Start(t.Context(), complete(b, process.Spec{Args: args}, stdout, newTape()))
		if err != nil {
			spec, ok := errors.AsType[*process.SpecError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "args", spec.Field)
			assert.NotEmpty(t, spec.Fix)
			assert.Less(t, len(err.Error()), 1000)
			return
		}
		exit := (&trial{Instance: i, stdout: stdout, stderr: stdout}).end(t)
		assert.Equal(t, 0, exit.Code)
		assert.Len(t, stdout.bytes(), 160*(64<<10+1))
	}},
	{"TheEnvironmentIsEmptyUnlessGiven", func(t *testing.T, b Backend) {
		assert.Empty(t, succeed(t, b, process.Spec{Args: []string{"env"}}))
	}},
	{"TheEnvironmentIsExactlyWhatWasGiven", func(t *testing.T, b Backend) {
		env := []string{"Z=last", "A=", "B=x=y", "C=a b\n", "D=\xff", "PATH=/nowhere", "é=ü"}
		got := succeed(t, b, process.Spec{Args: []string{"env"}, Env: env})
		assert.Equal(t, strings.Join(env, "\x00")+"\x00", got)
	}},
	{"AnUnknownCommandIsNotFound", func(t *testing.T, b Backend) {
		for _, name := range []string{"no-such-program", ".", ".."} {
			err := refused(t, b, process.Spec{Command: name})
			require.ErrorIs(t, err, process.ErrNotFound, name)
			spec, ok := errors.AsType[*process.SpecError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "command", spec.Field)
			assert.Equal(t, name, spec.Value)
			assert.NotEmpty(t, spec.Fix)
		}
	}},
	{"AFileLyingInDirIsNotRunByItsName", func(t *testing.T, b Backend) {
		native, wasm := Build(t)
		require.NoError(t, b.Fs.EnsureDir("sub"))
		for name, from := range map[string]string{"planted": native, "planted.wasm": wasm, "planted.exe": native} {
			program, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, b.Fs.WriteMode("sub/"+name, program, 0o755))
		}
		env := []string{"PATH=.:"}
		err := refused(t, b, process.Spec{Command: "planted", Args: []string{"nothing"}, Dir: "sub", Env: env})
		assert.ErrorIs(t, err, process.ErrNotFound)
	}},
	{"AMissingDirIsRefusedByName", func(t *testing.T, b Backend) {
		err := refused(t, b, process.Spec{Args: []string{"nothing"}, Dir: "absent"})
		require.ErrorIs(t, err, iofs.ErrNotExist)
		assertNames(t, err, "dir", "absent")
	}},
	{"AFileAsDirIsRefusedByName", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.Write("file", nil))
		err := refused(t, b, process.Spec{Args: []string{"nothing"}, Dir: "file"})
		assertNames(t, err, "dir", "file")
	}},
	{"ADirOutsideTheFsIsDenied", func(t *testing.T, b Backend) {
		outside := t.TempDir()
		require.NoError(t, os.Symlink(outside, b.Fs.Root()+"/out"))
		err := refused(t, b, process.Spec{Args: []string{"nothing"}, Dir: "out"})
		denied, ok := errors.AsType[*process.DeniedError](err)
		require.True(t, ok, "%v", err)
		assert.NotEmpty(t, denied.Fix)
		assert.NotContains(t, err.Error(), outside)
	}},
	{"MountsAreHonouredOrRefused", func(t *testing.T, b Backend) {
		require.NoError(t, b.Fs.EnsureDir("shared"))
		require.NoError(t, b.Fs.Write("shared/f", []byte("inside")))
		s := process.Spec{
			Args:   []string{"files", "read:/m/f", "list:/"},
			Mounts: []process.Mount{{Source: "shared", Target: "/m"}},
		}
		if b.Mounts {
			assert.Equal(t, "read /m/f: \"inside\"\nlist /: m\n", succeed(t, b, s))
			return
		}
		err := refused(t, b, s)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		unsupported, ok := errors.AsType[*process.UnsupportedError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, "mounts", unsupported.Field)
		assert.NotEmpty(t, unsupported.Fix)
	}},
	{"StartingComesFirstOrIsRefused", func(t *testing.T, b Backend) {
		var told process.Identity
		out := newTape()
		s := process.Spec{Args: []string{"print", "out", "here"}, Stdout: out, Starting: func(id process.Identity) error {
			told = id
			assert.Empty(t, out.bytes())
			return nil
		}}
		if !b.Holds {
			unsupported, ok := errors.AsType[*process.UnsupportedError](refused(t, b, s))
			require.True(t, ok)
			assert.Equal(t, "starting", unsupported.Field)
			assert.NotEmpty(t, unsupported.Fix)
			return
		}
		p := start(t, b, s)
		assert.Equal(t, 0, p.end(t).Code)
		assert.Equal(t, "here", string(out.bytes()))
		if b.Adopts {
			assert.Equal(t, p.Instance.(interface{ PID() int }).PID(), told.PID)
			assert.NotZero(t, told.Started)
			assert.NotEmpty(t, told.Boot)
			assert.Equal(t, told, p.Instance.(interface{ Identity() process.Identity }).Identity())
		}

		require.NoError(t, b.Fs.Write("f", []byte("as it was")))
		err := refused(t, b, process.Spec{
			Args:     []string{"files", "write:f:it ran"},
			Starting: func(process.Identity) error { return errStop },
		})
		assert.ErrorIs(t, err, errStop)
		text, err := b.Fs.Read("f")
		require.NoError(t, err)
		assert.Equal(t, "as it was", string(text))
	}},
	{"AnEndedContextStartsNothing", func(t *testing.T, b Backend) {
		ctx, cancel := canceled()
		defer cancel()
		i, err := b.Executor.Start(ctx, complete(b, process.Spec{Args: []string{"nothing"}}, newTape(), newTape()))
		require.Nil(t, i)
		assert.ErrorIs(t, err, errStop)
	}},
}

func assertNames(t testing.TB, err error, field, value string) {
	t.Helper()
	spec, ok := errors.AsType[*process.SpecError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, field, spec.Field)
	assert.Equal(t, value, spec.Value)
	assert.NotEmpty(t, spec.Fix)
}
