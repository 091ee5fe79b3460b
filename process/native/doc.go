// Package native runs processes as real executables of the host, for
// [process.Service].
//
// # What it does
//
// A process is started in a process group of its own (setpgid(2)), which is what
// is signalled. On Linux, where this program may make control groups (version 2,
// with cgroup.kill, so 5.14), it starts in one of those as well, and that is killed:
// everything that descends from the process is in it, whatever it did to its
// session, its group or its parent. Windows has job objects for that (see below).
// Elsewhere the process group is killed, and with [WithSubreaper], on Linux, all that
// descends from the process, too. Its
// environment is Spec.Env to the letter,
// duplicates and order included, and empty when that is empty: no PATH, HOME or
// PWD is added. For that reason it stands on os.StartProcess: os/exec.Cmd, one
// floor up, drops duplicates.
//
// A bare name is looked up in the directories of [WithPath], or in the PATH
// that the host had when the Executor was made, and nowhere else. Entries that
// are not absolute are dropped, because they would let a file that somebody
// planted in the process's directory run in place of a program. A name that
// holds a slash is a path in the Executor's Fs, relative to Spec.Dir.
//
// Spec.Dir is a path in the Fs, and the Fs must be able to name it on the host.
// A native process has to stand somewhere, so an Fs that denies everything (a
// Core without one) denies every start, and so does one that is not on the host.
//
// Each standard stream is a pipe, with a goroutine that copies it. Stdout and
// Stderr of the same value share one pipe, so that the order of what is written
// to both is the process's own. A Stdout or Stderr that fails to write kills
// the group, and its error becomes Exit.Reason; a process that stops reading its
// input is no error.
//
// With Spec.Terminal the three are a pseudoterminal (pty(7)) instead, which is the
// controlling terminal of a session that the process leads; its group is then the
// session's first. Reading from the terminal ends when the process does, and not
// earlier: somebody may open it again. Input that ends is followed by VEOF as it is
// by default, ^D, twice where it does not end a line. A program that discards what
// was typed before it was ready (tcflush(3)) discards that too.
//
// # How limits are kept
//
// On Linux a process that has limits on files, or on memory by best effort, is held
// by ptrace(2) before its first instruction, as for Spec.Starting, and given them by prlimit(2), hard and soft;
// what the host had set lower stays. Descriptors is RLIMIT_NOFILE. FileSize is
// RLIMIT_FSIZE: a process that SIGXFSZ ends has a *process.LimitError as its
// Exit.Reason, and, RLIMIT_CORE being 0 then, leaves no core file.
//
// Memory and Processes are memory.max and pids.max of the process's control group.
// Over the first, the kernel kills the whole group, and Exit.Reason is a
// *process.LimitError. Controllers come from the group above, and a group with
// processes of its own gives none, so [WithCgroup] should name an empty one.
//
// By best effort Memory is RLIMIT_DATA where there is no such group: for each
// process by itself, which gets ENOMEM, and without what it shares.
//
// # How it ends
//
// The tree ends with its first process. When that one has exited, however it
// did, what is left of its group is killed; what any of them wrote before is
// delivered to the last byte; then the pipes are closed. So a grandchild that
// keeps stdout open delays nothing. The rule has no timer in it: the bytes that
// stand in a pipe at that moment are counted (FIONREAD) and read, and no more; of a
// terminal, what can be read without waiting, and no more than one can hold.
// Nothing interrupts a Write that blocks in Spec.Stdout: the group dies at once
// all the same, but Wait returns only after the Write.
//
// On Linux the end of the first process is awaited without reaping it (waitid(2)
// with WNOWAIT). As long as it is a zombie the kernel gives its number to no
// other process or group, so the group is killed, and every Signal sent, in that
// state or before it; after the reaping Signal answers os.ErrProcessDone. Where there
// are pidfds (pidfd_open(2)) no thread waits: many processes cost no more than few.
//
// Lock order: group.mu, which is held for kill(2), for the write to cgroup.kill and
// for the reaping of a zombie, none of which block. On Windows tree.mu is a second
// one, held for calls on a job; nothing else is locked while either is. Neither is
// anything while lineages.mu is held, which guards the list of marks (see
// WithSubreaper).
//
// With WithSubreaper the descendants are found by a look at all of /proc, each by a
// pidfd, before anything is known of it, and then by its mark and its parents. Looks are
// taken until one finds nobody alive; that costs about a microsecond for every process
// of the host, at the end of each process.
//
// # How a process is adopted
//
// On Linux, [Executor.Adopt] opens a pidfd of the number, compares the boot and the
// start time with the Identity, and looks then that the pidfd's process still lives: so
// all three speak of one process. From there on no number is used. The end is a
// pidfd that becomes readable; kill and signals go through it, to the process group
// too; the control group counts only if the process is in it. The exit code of
// somebody else's child is read from the zombie (proc_pid_stat(5)), or else asked of the
// pidfd (PIDFD_INFO_EXIT in <linux/pidfd.h>).
//
// # What it does not promise
//
//   - Confinement, without [Confine]. The Fs decides where a process starts and, for
//     names that hold a slash, which program runs. What it does then is between it
//     and the host.
//   - The end of a descendant that left the process group, by setsid(2) or
//     setpgid(2), where there are neither control groups nor [WithSubreaper], as the
//     background jobs of a
//     shell on a terminal have done. It lives on, without delaying anything. So does
//     one that moves itself to another control group, which any process may that has
//     this program's user, where that user owns the groups, and no [Confine].
//   - The end of a process whose host program dies without Shutdown, by SIGKILL
//     for instance. It lives on, and can be adopted; its pipes are broken, so that it
//     reads EOF and, without Spec.OutputFile, dies of SIGPIPE when it writes. One that
//     is held (Spec.Starting) never runs.
//   - The end of what an adopted process started and that left its group, where it
//     is in no control group; nor, before Linux 6.9, of its group.
//   - Exit codes in a host program that has set SIGCHLD to be ignored
//     (signal.Ignore): the kernel throws them away, and Wait answers ECHILD. To
//     have inherited that, or to be notified of SIGCHLD, does no harm.
//   - Mounts, and the limits that are not above: a Spec that asks for them is
//     refused. Symlinks that lead outside are not told of, and neither is what a
//     limit refused.
//   - Limits on files of a process that has CAP_SYS_RESOURCE, as root has without
//     [Confine]: it may lift them.
//   - To tell that SIGXFSZ ended a descendant, and not the first process.
//   - Usage.Memory of a process that stayed smaller than the host program. Linux
//     counts the forking program's own peak into ru_maxrss (getrusage(2)), so such
//     a figure says nothing about the process, and is left out.
//   - That the group is empty when Wait returns if one of its members cannot
//     die: a process in uninterruptible sleep, or a zombie whose parent does not
//     reap it. Wait gives them a moment (see group_unix.go), then returns.
//   - Outside Linux: that the group's number is still the group's own when it is
//     killed after the first process was reaped, or signalled in that instant.
//   - Outside Linux: the last bytes that a terminal showed.
//   - On Windows: groups, signals but SIGKILL, terminals, and the rule about open
//     pipes: Wait lasts until its outputs are closed, by the end of all that hold
//     them. What descends from a process is in its job object, and killed with it.
//     This is built and vetted, and was not run.
package native
