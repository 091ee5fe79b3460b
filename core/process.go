package core

import "context"

// Process runs processes by the actions that a process service registers:
// process.run, process.start and so on. Without such a service every method
// answers a *NotRegisteredError: who may run processes is decided where the Core
// is built.
//
// The values answered, and the keys taken beside those named here, are the
// service's; package process describes them.
type Process struct {
	core *Core
}

// Run runs a command until it ends and answers its output, or a failure if it
// exits non-zero.
func (p *Process) Run(ctx context.Context, command string, args ...string) Result {
	return p.do(ctx, "process.run", commandOptions(command, args))
}

// RunIn is Run in the directory dir, a path in the Core's Fs.
func (p *Process) RunIn(ctx context.Context, dir, command string, args ...string) Result {
	opts := commandOptions(command, args)
	opts.Set("dir", dir)
	return p.do(ctx, "process.run", opts)
}

// RunWithEnv is RunIn with env, of the form "KEY=VALUE", as the whole
// environment.
func (p *Process) RunWithEnv(ctx context.Context, dir string, env []string, command string, args ...string) Result {
	opts := commandOptions(command, args)
	opts.Set("dir", dir)
	opts.Set("env", env)
	return p.do(ctx, "process.run", opts)
}

// Start starts a command, given with the keys command, args, dir and env, and
// answers its id at once.
func (p *Process) Start(ctx context.Context, opts Options) Result {
	return p.do(ctx, "process.start", opts)
}

// Kill ends the process that opts names with the key id or pid.
func (p *Process) Kill(ctx context.Context, opts Options) Result {
	return p.do(ctx, "process.kill", opts)
}

// Get answers what is known of the process with that id.
func (p *Process) Get(ctx context.Context, id string) Result {
	return p.do(ctx, "process.get", NewOptions(Option{Key: "id", Value: id}))
}

// List answers the ids of processes: all, or those that opts selects.
func (p *Process) List(ctx context.Context, opts Options) Result {
	return p.do(ctx, "process.list", opts)
}

// Exists tells whether a process service is registered.
func (p *Process) Exists() bool { return p.core.Action("process.run").Exists() }

func (p *Process) do(ctx context.Context, action string, opts Options) Result {
	r := p.core.Action(action).Run(ctx, opts)
	if isNotRegistered(r.Err(), "action", action) {
		return Fail(&NotRegisteredError{Kind: "action", Name: action,
			Fix: "this Core runs no processes; give core.New a process service: core.WithService(native.Register) or core.WithService(wasm.Register)"})
	}
	return r
}

func commandOptions(command string, args []string) Options {
	return NewOptions(Option{Key: "command", Value: command}, Option{Key: "args", Value: args})
}
