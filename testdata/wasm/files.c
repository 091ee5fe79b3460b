// Repeats one operation on a path below the first preopen, for benchmarks:
//
//   files open|stat|list PATH N
//   files read|write PATH N SIZE
//
// It calls WASI by its own functions, so that no C library is measured. read and
// write go through the file front to back, and begin again after 1 MiB. It exits
// with the errno of the first call that fails, and with 255 for bad arguments.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define ROOT 3
#define WHOLE (1 << 20)

static uint8_t buffer[64 << 10];
static const char *path;

static void must(__wasi_errno_t e) {
  if (e)
    exit(e);
}

static __wasi_fd_t open(__wasi_oflags_t how, __wasi_rights_t rights) {
  __wasi_fd_t fd;
  must(__wasi_path_open(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, how, rights, 0, 0, &fd));
  return fd;
}

static void open_close(void) { must(__wasi_fd_close(open(0, __WASI_RIGHTS_FD_READ))); }

static void stat(void) {
  __wasi_filestat_t st;
  must(__wasi_path_filestat_get(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, path, &st));
}

// list reads all entries of a directory, as readdir(3) of wasi-libc does: the
// last entry in the buffer may be cut off, and is asked for again by its cookie.
static void list(void) {
  __wasi_fd_t fd = open(__WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR);
  __wasi_dircookie_t cookie = 0;
  for (__wasi_size_t used = sizeof buffer; used == sizeof buffer;) {
    must(__wasi_fd_readdir(fd, buffer, sizeof buffer, cookie, &used));
    for (__wasi_size_t at = 0; used - at >= sizeof(__wasi_dirent_t);) {
      __wasi_dirent_t entry;
      memcpy(&entry, buffer + at, sizeof entry);
      at += sizeof entry;
      if (used - at < entry.d_namlen)
        break;
      at += entry.d_namlen;
      cookie = entry.d_next;
    }
  }
  must(__wasi_fd_close(fd));
}

static void transfer(int writing, long n, size_t size) {
  __wasi_fd_t fd = open(0, writing ? __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK : __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK);
  __wasi_iovec_t in = {buffer, size};
  __wasi_ciovec_t out = {buffer, size};
  __wasi_filesize_t at = 0;
  for (; n > 0; n--) {
    __wasi_size_t moved;
    must(writing ? __wasi_fd_write(fd, &out, 1, &moved) : __wasi_fd_read(fd, &in, 1, &moved));
    if (moved != size)
      exit(__WASI_ERRNO_IO);
    if ((at += size) >= WHOLE) {
      must(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
      at = 0;
    }
  }
  must(__wasi_fd_close(fd));
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 255;
  const char *op = argv[1];
  path = argv[2];
  long n = atol(argv[3]);
  size_t size = argc > 4 ? atol(argv[4]) : 0;
  int writing = !strcmp(op, "write");
  if (writing || !strcmp(op, "read")) {
    if (size == 0 || size > sizeof buffer)
      return 255;
    transfer(writing, n, size);
    return 0;
  }
  void (*once)(void) = !strcmp(op, "open") ? open_close : !strcmp(op, "stat") ? stat : !strcmp(op, "list") ? list : 0;
  if (!once)
    return 255;
  while (n-- > 0)
    once();
  return 0;
}
