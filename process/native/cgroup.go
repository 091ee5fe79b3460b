package native

// WithCgroup makes dir the place where processes get their control groups, instead
// of the group that this program is in. Limits.Memory and Limits.Processes take it
// almost everywhere: a group that has both processes and groups below it cannot
// give these a controller (the "no internal process constraint" of cgroups(7)).
//
// dir is a directory of a cgroup2 filesystem that this program may write and that
// nobody is in; cgroup.controllers in it names the controllers that there can be.
// A service of systemd with Delegate=yes makes one below its own when it starts,
// and another for itself. Where no group can be made in dir, and outside Linux,
// processes start without one.
func WithCgroup(dir string) Option {
	return func(e *Executor) { e.trees = treesIn(dir) }
}
