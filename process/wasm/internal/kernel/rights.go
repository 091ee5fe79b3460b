package kernel

// Rights are the operations that a descriptor allows, numbered as in WASI
// preview 1 (typenames.witx, $rights).
type Rights uint64

const (
	RightDatasync Rights = 1 << iota
	RightRead
	RightSeek
	RightSetFlags
	RightSync
	RightTell
	RightWrite
	RightAdvise
	RightAllocate
	RightPathCreateDirectory
	RightPathCreateFile
	RightPathLinkSource
	RightPathLinkTarget
	RightPathOpen
	RightReaddir
	RightPathReadlink
	RightPathRenameSource
	RightPathRenameTarget
	RightPathFilestatGet
	RightPathFilestatSetSize
	RightPathFilestatSetTimes
	RightFilestatGet
	RightFilestatSetSize
	RightFilestatSetTimes
	RightPathSymlink
	RightPathRemoveDirectory
	RightPathUnlinkFile
	RightPoll
	RightShutdown
	RightAccept
)

// What each kind of object can have. A right outside its set is dropped when the
// object is opened, as path_open allows.
const (
	fileRights = RightDatasync | RightRead | RightSeek | RightSetFlags | RightSync | RightTell | RightWrite |
		RightAdvise | RightAllocate | RightFilestatGet | RightFilestatSetSize | RightFilestatSetTimes | RightPoll

	directoryRights = RightSetFlags | RightSync | RightDatasync | RightReaddir |
		RightPathCreateDirectory | RightPathCreateFile | RightPathLinkSource | RightPathLinkTarget |
		RightPathOpen | RightPathReadlink | RightPathRenameSource | RightPathRenameTarget |
		RightPathFilestatGet | RightPathFilestatSetSize | RightPathFilestatSetTimes |
		RightFilestatGet | RightFilestatSetTimes |
		RightPathSymlink | RightPathRemoveDirectory | RightPathUnlinkFile

	streamRights = RightSetFlags | RightFilestatGet | RightPoll
)

// Flags are the state of an open file, numbered as in WASI preview 1
// (typenames.witx, $fdflags).
type Flags uint16

const (
	FlagAppend Flags = 1 << iota
	FlagDsync
	FlagNonblock
	FlagRsync
	FlagSync

	allFlags = FlagAppend | FlagDsync | FlagNonblock | FlagRsync | FlagSync
)

// neededToOpen is what a directory must let its files inherit for them to be
// opened with these flags.
func (f Flags) neededToOpen() Rights {
	var r Rights
	if f&FlagDsync != 0 {
		r |= RightDatasync
	}
	if f&(FlagRsync|FlagSync) != 0 {
		r |= RightSync
	}
	return r
}
