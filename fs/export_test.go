package fs

// OpenPortable opens a directory the way systems without *at calls do.
func OpenPortable(root string) (Dir, error) { return openRootDir(root) }
