/* Preloaded into a process: kills it at the n-th call that would change a file, counted from whorl_arm(n) on.

   A write that is the n-th leaves half of its bytes behind when n is odd. Syncs are counted and not carried out: a killed
   process loses no page of the system's cache, and thousands of them would take hours. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long armed = 0, calls = 0;

void whorl_arm(long n) { calls = 0; armed = n; }
long whorl_calls(void) { return calls; }

static int regular(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static int due(void) { return armed && ++calls == armed; }

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    if (armed && regular(fd) && due()) {
        if (armed % 2) REAL(write)(fd, data, size / 2);
        raise(SIGKILL);
    }
    return REAL(write)(fd, data, size);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (armed && due()) {
        if (armed % 2) REAL(pwrite64)(fd, data, size / 2, at);
        raise(SIGKILL);
    }
    return REAL(pwrite64)(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

#define COUNTED(type, name, parameters, arguments, instead) \
    type name parameters {                                  \
        if (armed) {                                        \
            if (due()) raise(SIGKILL);                      \
            instead;                                        \
        }                                                   \
        return REAL(name) arguments;                        \
    }

COUNTED(int, fsync, (int fd), (fd), return 0)
COUNTED(int, fdatasync, (int fd), (fd), return 0)
COUNTED(int, msync, (void *data, size_t size, int flags), (data, size, flags), return 0)
COUNTED(int, ftruncate64, (int fd, off64_t size), (fd, size), )
COUNTED(int, ftruncate, (int fd, off_t size), (fd, size), )
COUNTED(int, truncate64, (const char *path, off64_t size), (path, size), )
COUNTED(int, truncate, (const char *path, off_t size), (path, size), )
COUNTED(int, rename, (const char *from, const char *to), (from, to), )
COUNTED(int, unlink, (const char *path), (path), )
COUNTED(int, mkdir, (const char *path, mode_t mode), (path, mode), )
