package fs

// Fs is a filesystem that its holder cannot leave.
type Fs struct{}
