/* Counts the file operations below a folder, and makes one of them fail or be the last.

   Loaded before the C library (LD_PRELOAD), so that it sees those of Python, of Rust
   (safetensors) and of C++ (Arrow) alike. An operation is one that could change the disk:
   open for writing, write, fsync, rename, mkdir, unlink, truncate. The counter lies in
   shared memory: a process sees what its child came to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct state {
    char root[PATH_MAX];
    long count; /* operations so far */
    long at;    /* the one that fails, from 1; 0 = none */
    int error;  /* its errno; 0 = SIGKILL */
    int stays;  /* whether all later ones fail too, as on a full disk */
};

static struct state *state;

__attribute__((constructor)) static void make_state(void) {
    state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void disk_faults_arm(const char *root, long at, int error, int stays) {
    snprintf(state->root, sizeof state->root, "%s", root);
    state->count = 0;
    state->at = at;
    state->error = error;
    state->stays = stays;
}

long disk_faults_count(void) { return state->count; }

static int below(const char *path) {
    size_t length = strlen(state->root);
    return length && strncmp(path, state->root, length) == 0;
}

static int open_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static int at_below(int fd, const char *path) {
    return path[0] == '/' ? below(path) : fd == AT_FDCWD ? 0 : open_below(fd);
}

/* Says whether the operation that is about to happen fails. */
static int fails(int concerned) {
    if (!concerned) return 0;
    long number = ++state->count;
    if (!state->at || number < state->at || (number > state->at && !state->stays)) return 0;
    if (!state->error) {
        kill(getpid(), SIGKILL);
        pause();
    }
    errno = state->error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRITES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list list; \
    va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) {
    MODE
    return fails(WRITES(flags) && at_below(AT_FDCWD, path)) ? -1 : REAL(open)(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE
    return fails(WRITES(flags) && at_below(AT_FDCWD, path)) ? -1 : REAL(open64)(path, flags, mode);
}
int openat(int fd, const char *path, int flags, ...) {
    MODE
    return fails(WRITES(flags) && at_below(fd, path)) ? -1 : REAL(openat)(fd, path, flags, mode);
}
int openat64(int fd, const char *path, int flags, ...) {
    MODE
    return fails(WRITES(flags) && at_below(fd, path)) ? -1 : REAL(openat64)(fd, path, flags, mode);
}
ssize_t write(int fd, const void *bytes, size_t size) {
    return fails(open_below(fd)) ? -1 : REAL(write)(fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return fails(open_below(fd)) ? -1 : REAL(writev)(fd, parts, count);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t place) {
    return fails(open_below(fd)) ? -1 : REAL(pwrite64)(fd, bytes, size, place);
}
ssize_t sendfile64(int to, int from, off64_t *place, size_t size) {
    extern ssize_t sendfile64(int, int, off64_t *, size_t);
    return fails(open_below(to)) ? -1 : REAL(sendfile64)(to, from, place, size);
}
int fsync(int fd) { return fails(open_below(fd)) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(open_below(fd)) ? -1 : REAL(fdatasync)(fd); }
int ftruncate64(int fd, off64_t size) {
    return fails(open_below(fd)) ? -1 : REAL(ftruncate64)(fd, size);
}
int rename(const char *from, const char *to) {
    return fails(at_below(AT_FDCWD, to)) ? -1 : REAL(rename)(from, to);
}
int mkdir(const char *path, mode_t mode) {
    return fails(at_below(AT_FDCWD, path)) ? -1 : REAL(mkdir)(path, mode);
}
int unlink(const char *path) {
    return fails(at_below(AT_FDCWD, path)) ? -1 : REAL(unlink)(path);
}
int unlinkat(int fd, const char *path, int flags) {
    return fails(at_below(fd, path)) ? -1 : REAL(unlinkat)(fd, path, flags);
}
int rmdir(const char *path) { return fails(at_below(AT_FDCWD, path)) ? -1 : REAL(rmdir)(path); }
