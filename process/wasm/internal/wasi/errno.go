package wasi

import (
	"errors"
	"io"
	iofs "io/fs"
	"syscall"

	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// errno is $errno of typenames.witx.
type errno uint16

const (
	errnoSuccess errno = iota
	errno2big
	errnoAcces
	errnoAddrinuse
	errnoAddrnotavail
	errnoAfnosupport
	errnoAgain
	errnoAlready
	errnoBadf
	errnoBadmsg
	errnoBusy
	errnoCanceled
	errnoChild
	errnoConnaborted
	errnoConnrefused
	errnoConnreset
	errnoDeadlk
	errnoDestaddrreq
	errnoDom
	errnoDquot
	errnoExist
	errnoFault
	errnoFbig
	errnoHostunreach
	errnoIdrm
	errnoIlseq
	errnoInprogress
	errnoIntr
	errnoInval
	errnoIo
	errnoIsconn
	errnoIsdir
	errnoLoop
	errnoMfile
	errnoMlink
	errnoMsgsize
	errnoMultihop
	errnoNametoolong
	errnoNetdown
	errnoNetreset
	errnoNetunreach
	errnoNfile
	errnoNobufs
	errnoNodev
	errnoNoent
	errnoNoexec
	errnoNolck
	errnoNolink
	errnoNomem
	errnoNomsg
	errnoNoprotoopt
	errnoNospc
	errnoNosys
	errnoNotconn
	errnoNotdir
	errnoNotempty
	errnoNotrecoverable
	errnoNotsock
	errnoNotsup
	errnoNotty
	errnoNxio
	errnoOverflow
	errnoOwnerdead
	errnoPerm
	errnoPipe
	errnoProto
	errnoProtonosupport
	errnoPrototype
	errnoRange
	errnoRofs
	errnoSpipe
	errnoSrch
	errnoStale
	errnoTimedout
	errnoTxtbsy
	errnoXdev
	errnoNotcapable
)

// errnos translates the host's numbers, which differ from system to system.
var errnos = map[syscall.Errno]errno{
	syscall.E2BIG:           errno2big,
	syscall.EACCES:          errnoAcces,
	syscall.EADDRINUSE:      errnoAddrinuse,
	syscall.EADDRNOTAVAIL:   errnoAddrnotavail,
	syscall.EAFNOSUPPORT:    errnoAfnosupport,
	syscall.EAGAIN:          errnoAgain,
	syscall.EALREADY:        errnoAlready,
	syscall.EBADF:           errnoBadf,
	syscall.EBADMSG:         errnoBadmsg,
	syscall.EBUSY:           errnoBusy,
	syscall.ECANCELED:       errnoCanceled,
	syscall.ECHILD:          errnoChild,
	syscall.ECONNABORTED:    errnoConnaborted,
	syscall.ECONNREFUSED:    errnoConnrefused,
	syscall.ECONNRESET:      errnoConnreset,
	syscall.EDEADLK:         errnoDeadlk,
	syscall.EDESTADDRREQ:    errnoDestaddrreq,
	syscall.EDOM:            errnoDom,
	syscall.EDQUOT:          errnoDquot,
	syscall.EEXIST:          errnoExist,
	syscall.EFAULT:          errnoFault,
	syscall.EFBIG:           errnoFbig,
	syscall.EHOSTUNREACH:    errnoHostunreach,
	syscall.EIDRM:           errnoIdrm,
	syscall.EILSEQ:          errnoIlseq,
	syscall.EINPROGRESS:     errnoInprogress,
	syscall.EINTR:           errnoIntr,
	syscall.EINVAL:          errnoInval,
	syscall.EIO:             errnoIo,
	syscall.EISCONN:         errnoIsconn,
	syscall.EISDIR:          errnoIsdir,
	syscall.ELOOP:           errnoLoop,
	syscall.EMFILE:          errnoMfile,
	syscall.EMLINK:          errnoMlink,
	syscall.EMSGSIZE:        errnoMsgsize,
	syscall.EMULTIHOP:       errnoMultihop,
	syscall.ENAMETOOLONG:    errnoNametoolong,
	syscall.ENETDOWN:        errnoNetdown,
	syscall.ENETRESET:       errnoNetreset,
	syscall.ENETUNREACH:     errnoNetunreach,
	syscall.ENFILE:          errnoNfile,
	syscall.ENOBUFS:         errnoNobufs,
	syscall.ENODEV:          errnoNodev,
	syscall.ENOENT:          errnoNoent,
	syscall.ENOEXEC:         errnoNoexec,
	syscall.ENOLCK:          errnoNolck,
	syscall.ENOLINK:         errnoNolink,
	syscall.ENOMEM:          errnoNomem,
	syscall.ENOMSG:          errnoNomsg,
	syscall.ENOPROTOOPT:     errnoNoprotoopt,
	syscall.ENOSPC:          errnoNospc,
	syscall.ENOSYS:          errnoNosys,
	syscall.ENOTCONN:        errnoNotconn,
	syscall.ENOTDIR:         errnoNotdir,
	syscall.ENOTEMPTY:       errnoNotempty,
	syscall.ENOTRECOVERABLE: errnoNotrecoverable,
	syscall.ENOTSOCK:        errnoNotsock,
	syscall.ENOTSUP:         errnoNotsup,
	syscall.ENOTTY:          errnoNotty,
	syscall.ENXIO:           errnoNxio,
	syscall.EOVERFLOW:       errnoOverflow,
	syscall.EOWNERDEAD:      errnoOwnerdead,
	syscall.EPERM:           errnoPerm,
	syscall.EPIPE:           errnoPipe,
	syscall.EPROTO:          errnoProto,
	syscall.EPROTONOSUPPORT: errnoProtonosupport,
	syscall.EPROTOTYPE:      errnoPrototype,
	syscall.ERANGE:          errnoRange,
	syscall.EROFS:           errnoRofs,
	syscall.ESPIPE:          errnoSpipe,
	syscall.ESRCH:           errnoSrch,
	syscall.ESTALE:          errnoStale,
	syscall.ETIMEDOUT:       errnoTimedout,
	syscall.ETXTBSY:         errnoTxtbsy,
	syscall.EXDEV:           errnoXdev,
}

// kinds translates errors without a number, which come from readers and writers
// that are not files.
var kinds = []struct {
	err   error
	errno errno
}{
	{kernel.ErrNotCapable, errnoNotcapable},
	{io.ErrClosedPipe, errnoPipe},
	{iofs.ErrClosed, errnoPipe},
	{iofs.ErrNotExist, errnoNoent},
	{iofs.ErrExist, errnoExist},
	{iofs.ErrPermission, errnoAcces},
	{errors.ErrUnsupported, errnoNotsup},
}

// errnoOf says what a guest gets to know of an error; what has no better word is
// EIO.
func errnoOf(err error) errno {
	if err == nil {
		return errnoSuccess
	}
	if n, ok := errors.AsType[syscall.Errno](err); ok {
		if e, ok := errnos[n]; ok {
			return e
		}
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.errno
		}
	}
	return errnoIo
}
