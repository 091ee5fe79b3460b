/* What SQLite takes for granted and WASI's C library does not declare. There
 * are no users, no mode bits and no fcntl locks, so these calls answer as they
 * do where one user owns everything; a locking style without fcntl is chosen in
 * the build. */
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7

static inline uid_t getuid(void) { return 0; }
static inline uid_t geteuid(void) { return 0; }
static inline int chmod(const char *path, mode_t mode) { (void)path; (void)mode; return 0; }
static inline int fchmod(int fd, mode_t mode) { (void)fd; (void)mode; return 0; }
static inline int fchown(int fd, uid_t user, gid_t group) { (void)fd; (void)user; (void)group; return 0; }
