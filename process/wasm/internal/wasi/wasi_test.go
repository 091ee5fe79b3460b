package wasi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	iofs "io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero/sys"

	"dappco.re/go/cloche/fs"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
	"dappco.re/go/cloche/process/wasm/internal/wasi"
)

func TestCProgramReadsWritesListsAndExits(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	got := newHost(t).run(t, guest(t, "upper.wasm"), kernel.Config{
		Args:   []string{"upper", "a", "b"},
		Root:   tree(t, map[string]string{"desk/x": "", "desk/y": "", "z": ""}),
		Cwd:    "/desk",
		Stdin:  io.NopCloser(strings.NewReader("hello\n")),
		Stdout: &out,
	})
	assert.Equal(t, "HELLO\n.\n..\nx\ny\n", out.String())
	assert.True(t, got.exited)
	assert.EqualValues(t, 2, got.code)
}

func TestGuestWithoutMemoryGetsEFAULT(t *testing.T) {
	t.Parallel()
	got := newHost(t).run(t, guest(t, "nomemory.wasm"), kernel.Config{})
	assert.NoError(t, got.err)
}

func TestGuestWithoutAProcessGetsENOSYS(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	g.ctx = context.Background()
	assert.Equal(t, nosys, g.call("sched_yield"))
}

func TestProcessIsFoundBeneathOtherContexts(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	type key struct{}
	g.ctx = context.WithValue(g.ctx, key{}, 1)
	g.ok("sched_yield")
	assert.Equal(t, 1, g.ctx.Value(key{}))
}

func TestOneInstanceServesManyProcesses(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Args: []string{"first"}})
	for _, args := range [][]string{{"a"}, {"b", "c"}} {
		p, err := kernel.New(t.Context(), kernel.Config{Args: args})
		require.NoError(t, err)
		g.ctx = wasi.WithProcess(context.Background(), p)
		g.ok("args_sizes_get", 0, 4)
		assert.EqualValues(t, len(args), g.u32(0))
		p.Close()
	}
}

func TestStoppedProcessUnwindsAtItsNextCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := newProxyIn(t, newHost(t), ctx, kernel.Config{})
	cancel()
	_, err := g.mod.ExportedFunction("sched_yield").Call(g.ctx)
	assert.Error(t, err)
	_, exited := g.p.Exited()
	assert.False(t, exited, "a stop is not the guest's own exit")
}

// Ordered by channels: the guest is blocked once its Read or its sleep has begun,
// and it must be gone within 50 ms of the cancel.
func TestBlockedGuestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for name, call := range map[string]func(*proxy) error{
		"read": func(g *proxy) error {
			iovs, n := g.iovs(0, 64, 1)
			_, err := g.mod.ExportedFunction("fd_read").Call(g.ctx, 0, iovs, n, 16)
			return err
		},
		"poll": func(g *proxy) error {
			g.bytes(0, 96)[8] = 1 // fd_read of 0
			le.PutUint64(g.bytes(72, 8), uint64(time.Hour))
			_, err := g.mod.ExportedFunction("poll_oneoff").Call(g.ctx, 0, 256, 2, 128)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			r, w := io.Pipe()
			defer w.Close()
			blocked := make(chan struct{})
			g := newProxyIn(t, h, ctx, kernel.Config{Stdin: signalled{r, blocked}})
			result := make(chan error, 1)
			go func() { result <- call(g) }()
			<-blocked
			began := time.Now()
			cancel()
			err := <-result
			assert.Less(t, time.Since(began), 50*time.Millisecond)
			var exit *sys.ExitError
			assert.ErrorAs(t, err, &exit)
		})
	}
}

// signalled closes a channel when the first Read begins.
type signalled struct {
	io.ReadCloser
	blocked chan struct{}
}

func (s signalled) Read(p []byte) (int, error) {
	close(s.blocked)
	return s.ReadCloser.Read(p)
}

func TestExitCodesArriveVerbatim(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, code := range []uint32{0, 1, 124, 137, 255, 256, math.MaxUint32, sys.ExitCodeContextCanceled} {
		g := newProxyIn(t, h, t.Context(), kernel.Config{})
		_, err := g.mod.ExportedFunction("proc_exit").Call(g.ctx, uint64(code))
		require.Error(t, err)
		got, ok := g.p.Exited()
		assert.True(t, ok)
		assert.Equal(t, code, got)
		assert.False(t, g.mod.IsClosed(), "the instance can serve another process")
	}
}

func TestRaiseDoesWhatASignalDoesByDefault(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	g := newProxyIn(t, h, t.Context(), kernel.Config{})
	for sig, want := range map[uint64]int{0: success, 16: success, 17: success, 18: notsup, 27: success, 31: inval} {
		assert.Equal(t, want, g.call("proc_raise", sig), sig)
	}
	_, err := g.mod.ExportedFunction("proc_raise").Call(g.ctx, 6)
	require.Error(t, err)
	code, _ := g.p.Exited()
	assert.EqualValues(t, 128+6, code)
}

func TestArgsAndEnvironment(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1000)
	g := newProxy(t, kernel.Config{Args: []string{"prog", "", big}, Env: []string{"A=1", "B=\xff"}})
	g.ok("args_sizes_get", 0, 4)
	assert.EqualValues(t, 3, g.u32(0))
	assert.EqualValues(t, 5+1+1001, g.u32(4))
	g.ok("args_get", 0, 100)
	assert.EqualValues(t, 105, g.u32(4))
	assert.Equal(t, "prog\x00\x00"+big+"\x00", string(g.bytes(100, 1007)))
	g.ok("environ_sizes_get", 0, 4)
	assert.EqualValues(t, 2, g.u32(0))
	g.ok("environ_get", 0, 100)
	assert.Equal(t, "A=1\x00B=\xff\x00", string(g.bytes(100, 8)))
	assert.Equal(t, fault, g.call("args_get", memorySize-8, 0))
	assert.Equal(t, fault, g.call("args_get", 0, memorySize-100))
	assert.Equal(t, fault, g.call("environ_sizes_get", 0, memorySize-3))
}

// fixedClock stands still.
type fixedClock struct{ kernel.Clock }

func (fixedClock) Now() time.Time           { return time.Unix(1, 5) }
func (fixedClock) Monotonic() time.Duration { return 42 }

func TestClocks(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Clock: fixedClock{}})
	g.ok("clock_time_get", 0, 0, 0)
	assert.EqualValues(t, 1_000_000_005, g.u64(0))
	g.ok("clock_time_get", 1, 0, 0)
	assert.EqualValues(t, 42, g.u64(0))
	g.ok("clock_res_get", 1, 0)
	assert.EqualValues(t, 1, g.u64(0))
	for _, id := range []uint64{2, 3, 4, math.MaxUint32} {
		assert.Equal(t, inval, g.call("clock_time_get", id, 0, 0))
		assert.Equal(t, inval, g.call("clock_res_get", id, 0))
	}
	assert.Equal(t, fault, g.call("clock_time_get", 0, 0, memorySize-7))
}

func TestUpperHalvesOf32BitParametersAreIgnored(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Entropy: strings.NewReader("abcd")})
	const junk = 0xdead_beef << 32
	g.ok("random_get", junk|8, junk|4)
	assert.Equal(t, "abcd", string(g.bytes(8, 4)))
}

func TestReadAndWriteVectors(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"f": "0123456789"})})
	fd := g.open("f", 0)
	iovs, n := g.iovs(1000, 2000, 3, 2100, 0, 2200, 4)
	g.ok("fd_read", fd, iovs, n, 600)
	assert.EqualValues(t, 7, g.u32(600))
	assert.Equal(t, "012", string(g.bytes(2000, 3)))
	assert.Equal(t, "3456", string(g.bytes(2200, 4)))
	g.ok("fd_tell", fd, 608)
	assert.EqualValues(t, 7, g.u64(608))
	g.ok("fd_pread", fd, iovs, n, 8, 600)
	assert.EqualValues(t, 2, g.u32(600))
	g.ok("fd_pwrite", fd, iovs, n, 1, 600)
	g.ok("fd_seek", fd, 0, 0, 608)
	g.ok("fd_write", fd, iovs, n, 600)
	g.ok("fd_filestat_get", fd, 3000)
	assert.EqualValues(t, 10, g.u64(3032))
	assert.Equal(t, inval, g.call("fd_seek", fd, 0, 3, 608))
	assert.Equal(t, spipe, g.call("fd_seek", 0, 0, 1, 608))
}

func TestHostileVectors(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"f": "0123456789"})})
	fd := g.open("f", 0)
	one := func(ptr, n uint32) uint64 { at, _ := g.iovs(1000, ptr, n); return at }
	for name, tt := range map[string]struct {
		want         int
		iovs, n, out uint64
	}{
		"array past the end":     {fault, memorySize - 8, 2, 600},
		"array wraps":            {fault, math.MaxUint32 - 3, 1, 600},
		"too many":               {inval, 0, 1025, 600},
		"count wraps":            {inval, 0, math.MaxUint32, 600},
		"nowhere for the result": {fault, 1000, 0, memorySize - 3},
	} {
		assert.Equal(t, tt.want, g.call("fd_read", fd, tt.iovs, tt.n, tt.out), name)
	}
	assert.Equal(t, fault, g.call("fd_read", fd, one(memorySize-1, 2), 1, 600))
	assert.Equal(t, fault, g.call("fd_read", fd, one(16, math.MaxUint32), 1, 600))
	g.ok("fd_tell", fd, 608)
	assert.Zero(t, g.u64(608), "a refused read moves nothing")
}

func TestSumOfVectorLengthsMustFit(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	_, ok := g.mod.Memory().Grow(1 << 10)
	require.True(t, ok)
	var pairs []uint32
	for range 1000 {
		pairs = append(pairs, 0, 1<<23)
	}
	iovs, n := g.iovs(0, pairs...)
	assert.Equal(t, inval, g.call("fd_write", 1, iovs, n, 16000))
}

// stopping is an io/fs.FS with one endless file. The first read of it ends the
// process.
type stopping struct {
	iofs.FS
	stop  func()
	asked *[]int // how many bytes, each time
}

func (s stopping) Open(name string) (iofs.File, error) {
	f, err := s.FS.Open(name)
	return stoppingFile{f, s}, err
}

type stoppingFile struct {
	iofs.File
	stopping
}

func (s stoppingFile) ReadAt(p []byte, _ int64) (int, error) {
	*s.asked = append(*s.asked, len(p))
	s.stop()
	return len(p), nil
}

func TestALongReadEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var asked []int
	root := fs.FromFS(stopping{fstest.MapFS{"f": {}}, cancel, &asked})
	g := newProxyIn(t, newHost(t), ctx, kernel.Config{Root: root})
	_, ok := g.mod.Memory().Grow(3 * kernel.MaxStep >> 16)
	require.True(t, ok)
	ptr, size := g.put(0, "f")
	const reading = 1<<1 | 1<<2
	g.ok("path_open", 3, 0, ptr, size, 0, reading, 0, 0, 512)
	iovs, n := g.iovs(0, memorySize, 3*kernel.MaxStep)
	_, err := g.mod.ExportedFunction("fd_read").Call(g.ctx, uint64(g.u32(512)), iovs, n, 16)
	var exit *sys.ExitError
	assert.ErrorAs(t, err, &exit)
	assert.Equal(t, []int{kernel.MaxStep}, asked)
}

func TestReaddirCutsTheLastEntryAndGoesOnByCookie(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("file%02d", i)] = ""
	}
	g := newProxy(t, kernel.Config{Root: tree(t, files)})
	const buf, size = 4096, 100
	var names []string
	for cookie := uint64(0); ; {
		g.ok("fd_readdir", 3, buf, size, cookie, 600)
		used := g.u32(600)
		for b := g.bytes(buf, used); len(b) >= 24; {
			n := int(le.Uint32(b[16:]))
			if len(b) < 24+n {
				break
			}
			names, cookie = append(names, string(b[24:24+n])), le.Uint64(b)
			b = b[24+n:]
		}
		if used < size {
			break
		}
	}
	require.Len(t, names, 22)
	assert.IsIncreasing(t, names)
	g.ok("fd_readdir", 3, buf, 0, 0, 600)
	assert.Zero(t, g.u32(600))
	assert.Equal(t, fault, g.call("fd_readdir", 3, memorySize-10, 11, 0, 600))
	assert.Equal(t, badf, g.call("fd_readdir", 99, buf, size, 0, 600))
}

func TestPathsAreCheckedBeforeTheyAreUsed(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, nil)})
	for name, tt := range map[string]struct {
		path string
		want int
	}{
		"not UTF-8": {"a\xff", ilseq},
		"NUL":       {"a\x00b", inval},
		"too long":  {strings.Repeat("a/", 2100), nametoolong},
		"long name": {strings.Repeat("a", 256), nametoolong},
		"absolute":  {"/a", perm},
		"empty":     {"", noent},
	} {
		ptr, n := g.put(0, tt.path)
		assert.Equal(t, tt.want, g.call("path_create_directory", 3, ptr, n), name)
		assert.Equal(t, tt.want, g.call("path_unlink_file", 3, ptr, n), name)
		assert.Equal(t, tt.want, g.call("path_filestat_get", 3, 0, ptr, n, 8192), name)
	}
	assert.Equal(t, fault, g.call("path_create_directory", 3, memorySize, math.MaxUint32))
	assert.Equal(t, fault, g.call("path_create_directory", 3, math.MaxUint32, 2))
}

func TestUnknownFlagsAreInvalid(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"f": ""})})
	fd := g.open("f", 0)
	ptr, n := g.put(0, "f")
	assert.Equal(t, inval, g.call("path_filestat_get", 3, 2, ptr, n, 600))
	assert.Equal(t, inval, g.call("path_open", 3, 0, ptr, n, 1<<16, 0, 0, 0, 600))
	assert.Equal(t, inval, g.call("path_open", 3, 0, ptr, n, 0, 0, 0, 1<<16, 600))
	assert.Equal(t, inval, g.call("fd_fdstat_set_flags", fd, 1<<16))
	assert.Equal(t, inval, g.call("fd_filestat_set_times", fd, 0, 0, 16))
	assert.Equal(t, inval, g.call("fd_advise", fd, 0, 0, 6))
	g.ok("fd_advise", fd, 0, 0, 5)
}

func TestTimesAreSetToTheNanosecond(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"f": ""})})
	ptr, n := g.put(0, "f")
	g.ok("path_filestat_set_times", 3, 0, ptr, n, 1_000_000_007, 2_000_000_009, 1|4)
	g.ok("path_filestat_get", 3, 0, ptr, n, 600)
	assert.EqualValues(t, 1_000_000_007, g.u64(640))
	assert.EqualValues(t, 2_000_000_009, g.u64(648))
	fd := g.open("f", 0)
	before := uint64(time.Now().UnixNano())
	g.ok("fd_filestat_set_times", fd, 0, 0, 8)
	g.ok("fd_filestat_get", fd, 600)
	assert.EqualValues(t, 1_000_000_007, g.u64(640))
	assert.GreaterOrEqual(t, g.u64(648), before)
}

func TestPreopenNames(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, map[string]string{"desk/f": ""}), Cwd: "/desk", Preopens: []string{"/desk"}})
	g.ok("fd_prestat_get", 4, 600)
	assert.EqualValues(t, 0, g.u32(600))
	assert.EqualValues(t, 5, g.u32(604))
	assert.Equal(t, nametoolong, g.call("fd_prestat_dir_name", 4, 700, 4))
	g.ok("fd_prestat_dir_name", 4, 700, 6)
	assert.Equal(t, "/desk\x00", string(g.bytes(700, 6)))
	assert.Equal(t, badf, g.call("fd_prestat_get", 0, 600))
	assert.Equal(t, badf, g.call("fd_prestat_get", 6, 600))
	fd := g.open("desk/f", 0)
	assert.Equal(t, badf, g.call("fd_prestat_get", fd, 600))
}

func TestStdioIsNoTerminal(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	for fd := range uint64(3) {
		g.ok("fd_fdstat_get", fd, 600)
		assert.NotEqual(t, byte(2), g.bytes(600, 1)[0], "isatty(3) asks for a character device")
	}
}

func TestNothingIsASocket(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	for fd, want := range map[uint64]int{0: notsock, 9: badf, math.MaxUint32: badf} {
		assert.Equal(t, want, g.call("sock_accept", fd, 0, 600))
		assert.Equal(t, want, g.call("sock_recv", fd, 0, 0, 0, 600, 604))
		assert.Equal(t, want, g.call("sock_send", fd, 0, 0, 0, 600))
		assert.Equal(t, want, g.call("sock_shutdown", fd, 1))
	}
	assert.Equal(t, inval, g.call("sock_shutdown", 0, 4))
}

func TestPollOneoff(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{})
	sub := func(i uint32) []byte { return g.bytes(i*48, 48) }
	le.PutUint64(sub(0), 11)
	sub(0)[8] = 1 // fd_read of 0, which is at its end
	le.PutUint64(sub(1), 12)
	sub(1)[8] = 2 // fd_write of 77
	le.PutUint32(sub(1)[16:], 77)
	le.PutUint64(sub(2), 13)
	le.PutUint32(sub(2)[16:], 3) // an unknown clock
	g.ok("poll_oneoff", 0, 0, 3, 4000)
	require.EqualValues(t, 3, g.u32(4000))
	event := func(i uint32) []byte { return g.bytes(i*32, 32) }
	assert.EqualValues(t, 11, le.Uint64(event(0)))
	assert.EqualValues(t, 1, le.Uint16(event(0)[24:]), "hangup")
	assert.EqualValues(t, 12, le.Uint64(event(1)))
	assert.EqualValues(t, badf, le.Uint16(event(1)[8:]))
	assert.EqualValues(t, inval, le.Uint16(event(2)[8:]))

	assert.Equal(t, inval, g.call("poll_oneoff", 0, 1000, 0, 4000))
	assert.Equal(t, inval, g.call("poll_oneoff", 0, 1000, math.MaxUint32, 4000))
	assert.Equal(t, fault, g.call("poll_oneoff", memorySize-47, 1000, 1, 4000))
	assert.Equal(t, fault, g.call("poll_oneoff", 0, memorySize-31, 1, 4000))
	sub(0)[8] = 3
	assert.Equal(t, inval, g.call("poll_oneoff", 0, 1000, 1, 4000))
}

func TestNonblockingStdin(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	g := newProxy(t, kernel.Config{Stdin: r})
	g.ok("fd_fdstat_set_flags", 0, 4)
	iovs, n := g.iovs(0, 64, 8)
	assert.Equal(t, again, g.call("fd_read", 0, iovs, n, 16))
}

func TestDirectoryIsNoFile(t *testing.T) {
	t.Parallel()
	g := newProxy(t, kernel.Config{Root: tree(t, nil)})
	iovs, n := g.iovs(0, 64, 8)
	assert.Equal(t, isdir, g.call("fd_read", 3, iovs, n, 16))
	assert.Equal(t, badf, g.call("fd_write", 3, iovs, n, 16))
	assert.Equal(t, notcapable, g.call("fd_fdstat_set_rights", 3, math.MaxUint64, 0))
}

func TestReadsAndWritesAllocateNothing(t *testing.T) {
	if underRace {
		t.Skip("under the race detector a sync.Pool forgets at random")
	}
	files := tree(t, map[string]string{"f": strings.Repeat("x", 1<<20)})
	mounted, err := fs.Mounts([]fs.Mount{{Target: "/", Fs: files}, {Target: "/ro", Fs: files.ReadOnly()}})
	require.NoError(t, err)
	for name, root := range map[string]*fs.Fs{"host": files, "mounts": mounted} {
		g := newProxy(t, kernel.Config{Root: root})
		file, appending := g.open("f", 0), g.open("f", 0)
		g.ok("fd_fdstat_set_flags", appending, uint64(kernel.FlagAppend))
		iovs, n := g.iovs(1000, 8192, 2048, 16384, 2048)
		stack := make([]uint64, 5)
		for _, c := range []struct {
			function string
			args     []uint64
		}{
			{"fd_read", []uint64{file, iovs, n, 600}},
			{"fd_write", []uint64{file, iovs, n, 600}},
			{"fd_write", []uint64{appending, iovs, n, 600}},
			{"fd_pread", []uint64{file, iovs, n, 0, 600}},
			{"fd_pwrite", []uint64{file, iovs, n, 0, 600}},
			{"fd_seek", []uint64{file, 0, 0, 600}},
			{"fd_tell", []uint64{file, 600}},
		} {
			f := g.mod.ExportedFunction(c.function)
			got := testing.AllocsPerRun(200, func() {
				copy(stack, c.args)
				if err := f.CallWithStack(g.ctx, stack); err != nil || uint32(stack[0]) != success {
					t.Fatal(err, stack[0])
				}
			})
			assert.Zero(t, got, "%s: %s %v", name, c.function, c.args)
		}
	}
}

func TestInstantiateIsForOncePerRuntime(t *testing.T) {
	t.Parallel()
	assert.Error(t, wasi.Instantiate(context.Background(), newHost(t).runtime))
}
