package process

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"dappco.re/go/cloche/core"
)

// Options and Result end in this file: below it there are Specs and errors.

type action struct {
	name    string
	handler core.Handler
	fields  []core.Field
}

func (s *Service) actions() []action {
	spec := []core.Field{
		{Key: "command", Type: core.String, Required: true},
		{Key: "args", Type: core.Strings},
		{Key: "dir", Type: core.String},
		{Key: "env", Type: core.Strings},
		{Key: "timeout", Type: core.Duration},
		{Key: "gracePeriod", Type: core.Duration},
		{Key: "limits", Type: core.TypeOf[Limits]("a process.Limits")},
		{Key: "mounts", Type: core.TypeOf[[]Mount]("a []process.Mount")},
		{Key: "terminal", Type: core.TypeOf[Terminal]("a process.Terminal")},
	}
	id := core.Field{Key: "id", Type: core.String, Required: true}
	signal := core.Field{Key: "signal", Type: core.String, Required: true}
	return []action{
		{"process.run", s.handleRun, append(slices.Clip(spec),
			core.Field{Key: "stdin", Type: inputType{}})},
		{"process.start", s.handleStart, append(slices.Clip(spec),
			core.Field{Key: "stdin", Type: inputType{open: true}},
			core.Field{Key: "outputFile", Type: core.String},
			core.Field{Key: "detach", Type: core.Bool})},
		{"process.kill", s.handleKill, []core.Field{
			{Key: "id", Type: core.String},
			{Key: "pid", Type: core.Int},
			{Key: "signal", Type: stopSignal{}},
			{Key: "gracePeriod", Type: core.Duration}}},
		{"process.list", s.handleList, []core.Field{{Key: "runningOnly", Type: core.Bool}}},
		{"process.get", s.handleGet, []core.Field{id}},
		{"process.wait", s.handleWait, []core.Field{id}},
		{"process.signal", s.handleSignal, []core.Field{id, signal}},
		{"process.output", s.handleOutput, []core.Field{id}},
		{"process.input", s.handleInput, []core.Field{id,
			{Key: "data", Type: dataType{}}, {Key: "close", Type: core.Bool}}},
		{"process.resize", s.handleResize, []core.Field{id,
			{Key: "rows", Type: core.Int, Required: true}, {Key: "cols", Type: core.Int, Required: true}}},
	}
}

// specOf reads what the schema has already checked.
func specOf(opts core.Options) Spec {
	spec := Spec{
		Command:     opts.String("command"),
		Args:        opts.Strings("args"),
		Dir:         opts.String("dir"),
		Env:         opts.Strings("env"),
		Timeout:     opts.Duration("timeout"),
		GracePeriod: graceOf(opts, 0),
		OutputFile:  opts.String("outputFile"),
		Detach:      opts.Bool("detach"),
	}
	spec.Limits, _ = core.Value[Limits](opts.Get("limits"))
	spec.Mounts, _ = core.Value[[]Mount](opts.Get("mounts"))
	if size, err := core.Value[Terminal](opts.Get("terminal")); err == nil {
		spec.Terminal = &size
	}
	switch in := opts.Get("stdin").Value.(type) {
	case bool:
		spec.OpenStdin = in
	case string:
		spec.Stdin = strings.NewReader(in)
	case []byte:
		spec.Stdin = strings.NewReader(string(in)) // a copy: the caller's may change
	case io.Reader:
		spec.Stdin = in
	}
	return spec
}

// graceOf takes "0s" at its word, where a Spec's zero means the default.
func graceOf(opts core.Options, otherwise time.Duration) time.Duration {
	if !opts.Has("gracePeriod") {
		return otherwise
	}
	if grace := opts.Duration("gracePeriod"); grace > 0 {
		return grace
	}
	return -1
}

// handleRun answers all of the output or fails: what was dropped from the middle
// of a string could not be told from what never was there.
func (s *Service) handleRun(ctx context.Context, opts core.Options) core.Result {
	spec := specOf(opts)
	spec.Merge = true
	out, err := s.Run(ctx, spec)
	if err != nil {
		return core.Fail(err)
	}
	if out.StdoutDropped > 0 {
		return core.Fail(truncation(spec.Command, out))
	}
	return core.Ok(string(out.Stdout))
}

func truncation(command string, out *Output) error {
	exit := out.Exit
	exit.Reason = &LimitError{Limit: LimitCapture, Max: DefaultCapture}
	return &ExitError{Command: command, Exit: exit, Stdout: out.Stdout, Truncated: out.StdoutDropped}
}

func (s *Service) handleStart(ctx context.Context, opts core.Options) core.Result {
	h, err := s.Start(ctx, specOf(opts))
	if err != nil {
		return core.Fail(err)
	}
	return core.Ok(h.ID())
}

func (s *Service) handleKill(ctx context.Context, opts core.Options) core.Result {
	h, err := s.find(opts)
	if err != nil {
		return core.Fail(err)
	}
	ask := SIGTERM
	if opts.Has("signal") {
		ask = Signal(opts.String("signal"))
	}
	return outcome(h.kill(ctx, ask, graceOf(opts, h.grace)))
}

// find takes either an id or the pid of a process that runs here: a number that
// the service did not hand out is never signalled.
func (s *Service) find(opts core.Options) (*Handle, error) {
	if opts.Has("id") == opts.Has("pid") {
		return nil, &core.SchemaError{
			Action: "process.kill", Key: "id", Want: "either an id or a pid",
			Got: map[bool]string{false: "neither", true: "both"}[opts.Has("id")],
			Fix: "name the process by one of them",
		}
	}
	if opts.Has("id") {
		return s.lookup(opts)
	}
	pid := opts.Int("pid")
	for _, h := range s.handles() {
		if info := h.Info(); pid > 0 && info.PID == pid && !info.Status.Ended() {
			return h, nil
		}
	}
	return nil, &UnknownError{PID: pid}
}

func (s *Service) lookup(opts core.Options) (*Handle, error) {
	id := opts.String("id")
	h, ok := s.Get(id)
	if !ok {
		return nil, &UnknownError{ID: id}
	}
	return h, nil
}

func (s *Service) handleList(_ context.Context, opts core.Options) core.Result {
	ids := []string{}
	for _, info := range s.List() {
		if !opts.Bool("runningOnly") || !info.Status.Ended() {
			ids = append(ids, info.ID)
		}
	}
	return core.Ok(ids)
}

func (s *Service) handleGet(_ context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	return core.Ok(h.Info())
}

func (s *Service) handleWait(ctx context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	exit, err := h.Wait(ctx)
	if err != nil {
		return core.Fail(err)
	}
	return core.Ok(exit)
}

func (s *Service) handleSignal(_ context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	return outcome(h.Signal(Signal(opts.String("signal"))))
}

func (s *Service) handleOutput(_ context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	return core.Ok(h.Output())
}

func (s *Service) handleInput(ctx context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	if h.open == nil {
		return core.Fail(errStdinNotOpen)
	}
	if _, err := h.open.write(ctx, bytesOf(opts.Get("data").Value)); err != nil {
		return core.Fail(err)
	}
	if opts.Bool("close") {
		h.open.end()
	}
	return core.Ok(nil)
}

func (s *Service) handleResize(_ context.Context, opts core.Options) core.Result {
	h, err := s.lookup(opts)
	if err != nil {
		return core.Fail(err)
	}
	return outcome(h.Resize(opts.Int("rows"), opts.Int("cols")))
}

func bytesOf(v any) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	b, _ := v.([]byte)
	return b
}

func outcome(err error) core.Result {
	if err != nil {
		return core.Fail(err)
	}
	return core.Ok(nil)
}

// inputType is the core.Type of stdin.
type inputType struct{ open bool }

func (t inputType) Want() string {
	if t.open {
		return "a string, []byte, io.Reader, or true to keep it open"
	}
	return "a string, []byte or io.Reader"
}

func (t inputType) Check(v any) (fix string, ok bool) {
	switch v := v.(type) {
	case string, []byte, io.Reader:
		return "", true
	case bool:
		return "use process.start for an input that stays open", t.open || !v
	}
	return "pass " + t.Want(), false
}

// dataType is the core.Type of a piece of input.
type dataType struct{}

func (dataType) Want() string { return "a string or []byte" }

func (dataType) Check(v any) (fix string, ok bool) {
	switch v.(type) {
	case string, []byte:
		return "", true
	}
	return "pass a string or []byte", false
}

// stopSignal is the core.Type of the signal that a kill asks with. Only known
// ones will do: what cannot be sent would be a kill without asking.
type stopSignal struct{}

var stopSignals = []string{
	string(SIGHUP), string(SIGINT), string(SIGQUIT), string(SIGKILL),
	string(SIGUSR1), string(SIGUSR2), string(SIGTERM),
}

func (stopSignal) Want() string { return "one of " + strings.Join(stopSignals, ", ") }

func (stopSignal) Check(v any) (fix string, ok bool) {
	s, isString := v.(string)
	return "use process.signal for other signals", isString && slices.Contains(stopSignals, s)
}
