package wasi_test

// Numbers of $errno that tests expect.
const (
	success     = 0
	acces       = 2
	again       = 6
	badf        = 8
	busy        = 10
	exist       = 20
	fault       = 21
	fbig        = 22
	ilseq       = 25
	inval       = 28
	ioerror     = 29
	isdir       = 31
	loop        = 32
	mfile       = 33
	nametoolong = 37
	noent       = 44
	nospc       = 51
	nosys       = 52
	notdir      = 54
	notempty    = 55
	notsock     = 57
	notsup      = 58
	overflow    = 61
	perm        = 63
	pipe        = 64
	rofs        = 69
	spipe       = 70
	xdev        = 75
	notcapable  = 76
)
