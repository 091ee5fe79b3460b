package native

// WithSubreaper has whole trees end where no control groups can be made, too, as in a
// container without delegation: what descends from a process is killed with it,
// whatever it did to its session, its group or its parent. Where there are control
// groups it does nothing. It takes Linux 5.4, 64-bit, with its own /proc.
//
// It is asked for, and not done unasked, because of what it does to this program. From
// the first such start on it is a subreaper (PR_SET_CHILD_SUBREAPER in prctl(2)), for
// good: every process below it that loses its parent becomes its child, and not
// init's. Those that descend from the Executor's processes are reaped here, by pidfd;
// those that descend from children of other code stay zombies until this program
// ends, unless that code reaps them. And code that reaps whatever ends, by wait(2) for
// any child, takes from others, as it always did.
//
// A process is told from others by its limit on file locks (RLIMIT_LOCKS in
// getrlimit(2)), which has had no other meaning since Linux 2.4.25: it is given to it
// before its first instruction, is inherited, and is never the same for two. So an
// executable that cannot be held is refused, as for Spec.Starting. A program can leave
// by lowering that limit, or raising it with CAP_SYS_RESOURCE: only one that sets out
// to, and a confined one (see [Confine]) cannot at all. So can one that moves to
// another user, by being out of reach.
//
// Outside Linux every start is refused, but for Windows, which has jobs.
func WithSubreaper() Option {
	return func(e *Executor) { e.lineages = newLineages() }
}
