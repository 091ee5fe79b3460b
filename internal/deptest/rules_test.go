package deptest

// Patterns are import paths, or paths inside this module when they start with
// "./". As with the go command, a last element "..." matches anything, nothing
// included.
const (
	wazero = "github.com/tetratelabs/wazero/..."
	xsys   = "golang.org/x/sys/..."
	pty    = "github.com/creack/pty/..."
)

// allowed lists, for some packages, all that they import beside the standard
// library.
var allowed = []allowRule{
	{"./fs/...", list(xsys, "./fs/..."),
		"whoever audits the restricted filesystem has nothing else to read"},
	{"./core/...", list("./fs", "./core/..."),
		"core knows what a process service is called, and no backend of it"},
	{"./process", list("./core", "./fs", "./process/internal/...", xsys),
		"the lifecycle is the same for every backend, so it knows none"},
	{"./process/supervise", list("./process", "./core", "./fs"),
		"what keeps processes up works with every backend, and with a fake"},
	{"./process/native/...", list("./process", "./core", "./fs", "./process/internal/...", "./process/native/...", xsys, pty),
		"the native backend stands on the seam alone; every system opens a pseudoterminal in its own way, which pty knows"},
	{"./process/wasm/internal/kernel/...", list("./fs", "./process/wasm/internal/kernel/...", xsys),
		"what a guest sees of a system does not depend on the engine that runs it"},
	{"./internal/hermetic", list("./fs", "./process", "./internal/reapi", "./internal/private"),
		"what a run was given and did is written down without an engine, so that any can be compared"},
	{"./cmd/cloche", list("./internal/cli"),
		"main only calls the command, which tests can call too"},
}

// forbidden lists what packages must not reach, by whatever way.
var forbidden = []forbidRule{
	{"./core/...", "", list("os/exec", wazero, "./process/..."),
		"a Core that was given no process service carries no way to run anything"},
	{"./fs/...", "", list("os/exec", wazero, "./core/...", "./process/..."),
		"the filesystem is below everything"},
	{"./process", "", list("os/exec", wazero, "./process/native/...", "./process/wasm/..."),
		"which backend runs is decided where the Core is built"},
	{"./process/supervise", "", list("os/exec", wazero, "./process/native/...", "./process/wasm/..."),
		"a supervisor is handed its service"},
	{"./process/processtest/...", "", list(wazero, "./process/native/...", "./process/wasm/..."),
		"the suite and the kit for users' tests are handed their backends; tests with a fake or a cassette carry none"},
	{"./process/native/...", "", list(wazero, "./process/wasm/..."),
		"a program that runs natively carries no WebAssembly engine"},
	{"./process/wasm/...", "", list("os/exec", "./process/native/..."),
		"a sandbox that could start a host process would be none, and never falls back to one"},
	{"./process/wasm/...", "./process/wasm/userland/...", list("./process/wasm/userland/..."),
		"only a program that imports the userland carries its megabytes"},
	{"./...", "./process/processtest/...", list("testing", "github.com/stretchr/testify/...", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/rogpeppe/go-internal/..."),
		"users carry none of our test libraries"},
}

// exclusive lists packages that only some may import by their own hand.
var exclusive = []exclusiveRule{
	{"os/exec", list("./process/native/...", "./process/processtest"),
		"host processes are started in one place; the suite calls the go command to build its test program"},
	{wazero, list("./process/wasm/..."),
		"the engine can be replaced, and its version is nobody else's concern"},
	{pty, list("./process/native/..."),
		"only native processes have terminals"},
	{"./internal/cli/...", list("./cmd/cloche", "./internal/cli/..."),
		"the command is not a library"},
}

func list(patterns ...string) []string { return patterns }
