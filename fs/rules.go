package fs

// The rules that a DeniedError can name: all that cloche has, those of the
// guests' kernel included, so that a program can tell them apart and say in its
// own words how to allow what was refused. Their values are for people to read,
// and stay as they are.
const (
	// RuleNoFiles: there is no filesystem at all, as in the zero Fs.
	RuleNoFiles = "no filesystem was given"
	// RuleReadOnly: the filesystem, or the mount, is there for reading.
	RuleReadOnly = "read-only"
	// RuleMountsOnly: the directory exists only because a mount lies below it,
	// so that nothing can be made in it.
	RuleMountsOnly = "this directory only leads to mounts"
	// RuleMountPoint: what a mount lies on, or below, is not removed, renamed or
	// replaced.
	RuleMountPoint = "mount points stay where they are"
	// RuleLinkOutside: a relative symlink climbs above the root.
	RuleLinkOutside = "symlink leads outside"
	// RuleAbsoluteLinkOutside: an absolute symlink leads to what does not exist
	// below the root, and so was most likely meant for the outside.
	RuleAbsoluteLinkOutside = "absolute symlink leads outside"
	// RuleAbove: a path climbs above the directory that it starts at.
	RuleAbove = "path leads above its directory"
	// RuleStays: the root, "." and ".." are not removed or renamed.
	RuleStays = `the root, "." and ".." stay where they are`
	// RuleSpecialFile: FIFOs, sockets and devices are not opened.
	RuleSpecialFile = "only regular files and directories can be opened"
	// RuleSpecialStays: an overlay cannot make a FIFO, socket or device again, and
	// so does not move one.
	RuleSpecialStays = "a FIFO, socket or device stays where it is in an overlay"
	// RuleWholeBase: an overlay needs a base that is not the whole host.
	RuleWholeBase = "an overlay needs a restricted base"
	// RuleKernelFiles: procfs and sysfs are the host, not files.
	RuleKernelFiles = "procfs and sysfs are never part of a restricted filesystem"

	// RuleAbsolutePath: a guest gave an absolute path together with a directory
	// to start at.
	RuleAbsolutePath = "absolute path relative to a directory"
	// RuleAbsoluteLink: a guest wanted to make an absolute symlink.
	RuleAbsoluteLink = "symlink to an absolute path"
	// RuleListings: a guest holds directories open whose listings, which stay as
	// they were when it began to read them, would take too much of the host's memory.
	RuleListings = "too many directory entries are being read at once"
	// RuleLimit: a guest went over one of its limits. The DeniedError wraps a
	// process.LimitError that says which.
	RuleLimit = "limit"
)
