/*
 * Fails one system call of a program, chosen by its number: cc -shared -fPIC -o torture.so torture.c, then LD_PRELOAD.
 * Calls are counted on the program's first thread only, where its loop runs: what other threads do can't shift the numbers.
 *
 *   TORTURE_CALL=N     the Nth call fails; 0 only counts
 *   TORTURE_ERROR=K    which of the errors that the call can have, modulo their number
 *   TORTURE_REPORT=F   a file of 64 bytes: the count as text, then the name of the call that failed and its errno
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct report { char count[24]; char failed[40]; };

static struct report *report;
static long number, chosen, which;
static __thread int is_first = -1;

static void __attribute__((constructor)) prepare(void)
{
    const char *path = getenv("TORTURE_REPORT");
    int file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = (void *)syscall(SYS_mmap, NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    chosen = atol(getenv("TORTURE_CALL") ? getenv("TORTURE_CALL") : "0");
    which = atol(getenv("TORTURE_ERROR") ? getenv("TORTURE_ERROR") : "0");
    if (memory != MAP_FAILED) report = memory;
}

/* The errno that this call is to fail with, or 0. */
static int failure(const char *name, const int *errors)
{
    if (is_first < 0) is_first = syscall(SYS_gettid) == syscall(SYS_getpid);
    if (!report || !is_first) return 0;
    snprintf(report->count, sizeof report->count, "%ld", ++number);
    if (number != chosen) return 0;
    int choices = 0;
    while (errors[choices]) choices++;
    int error = errors[which % choices];
    snprintf(report->failed, sizeof report->failed, "%s %d", name, error);
    return error;
}

#define ERRORS(...) (const int[]) { __VA_ARGS__, 0 }

#define WRAP(type, name, parameters, arguments, errors)                     \
    type name parameters                                                    \
    {                                                                       \
        static type (*real) parameters;                                     \
        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name);     \
        int error = failure(#name, errors);                                 \
        if (!error) return real arguments;                                  \
        errno = error;                                                      \
        return -1;                                                          \
    }

WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), ERRORS(EMFILE, ENOBUFS, EACCES))
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length), ERRORS(EADDRINUSE, EACCES, ENOMEM))
WRAP(int, listen, (int fd, int backlog), (fd, backlog), ERRORS(EADDRINUSE, EOPNOTSUPP))
WRAP(int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags),
    ERRORS(EMFILE, ECONNABORTED, ENOMEM, EPERM))
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length),
    ERRORS(ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH, EPERM))
WRAP(int, getsockopt, (int fd, int level, int option, void *value, socklen_t *length), (fd, level, option, value, length),
    ERRORS(ENOBUFS, ENOPROTOOPT))
WRAP(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t length), (fd, level, option, value, length),
    ERRORS(ENOPROTOOPT, ENOMEM, EPERM))
WRAP(int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length), ERRORS(ENOBUFS))
WRAP(int, shutdown, (int fd, int how), (fd, how), ERRORS(ENOTCONN))
WRAP(ssize_t, recv, (int fd, void *buffer, size_t length, int flags), (fd, buffer, length, flags),
    ERRORS(ECONNRESET, EAGAIN, ENOMEM, EINTR))
WRAP(ssize_t, send, (int fd, const void *buffer, size_t length, int flags), (fd, buffer, length, flags),
    ERRORS(ECONNRESET, EAGAIN, ENOBUFS, EPIPE, EINTR))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
    ERRORS(ECONNRESET, EAGAIN, ENOBUFS, EINTR))
WRAP(ssize_t, sendfile, (int out, int in, off_t *offset, size_t count), (out, in, offset, count),
    ERRORS(EINVAL, EAGAIN, EIO, ECONNRESET, ENOMEM))
WRAP(ssize_t, read, (int fd, void *buffer, size_t length), (fd, buffer, length), ERRORS(EIO, EINTR, ENOMEM))
WRAP(ssize_t, write, (int fd, const void *buffer, size_t length), (fd, buffer, length), ERRORS(ENOSPC, EIO, EPIPE, EINTR, EAGAIN))
WRAP(int, epoll_create1, (int flags), (flags), ERRORS(EMFILE, ENOMEM))
WRAP(int, epoll_wait, (int fd, struct epoll_event *events, int room, int timeout), (fd, events, room, timeout), ERRORS(EINTR))
WRAP(int, eventfd, (unsigned int value, int flags), (value, flags), ERRORS(EMFILE, ENOMEM))
WRAP(int, statx, (int folder, const char *restrict path, int flags, unsigned int mask, struct statx *restrict status),
    (folder, path, flags, mask, status), ERRORS(EACCES, ENOSYS, EPERM, ENOMEM))
WRAP(int, memfd_create, (const char *name, unsigned int flags), (name, flags), ERRORS(ENOSYS, EMFILE, EPERM, ENOMEM))
WRAP(int, ftruncate, (int fd, off_t length), (fd, length), ERRORS(EIO, ENOSPC))
WRAP(int, fsync, (int fd), (fd), ERRORS(EIO, ENOSPC))
WRAP(int, rename, (const char *from, const char *to), (from, to), ERRORS(EACCES, EXDEV, EIO))
WRAP(int, unlink, (const char *path), (path), ERRORS(EACCES))
WRAP(int, poll, (struct pollfd *entries, nfds_t count, int timeout), (entries, count, timeout), ERRORS(EINTR, ENOMEM))

/* Only adding takes memory. */
int epoll_ctl(int fd, int operation, int other, struct epoll_event *event)
{
    int error = operation == EPOLL_CTL_ADD ? failure("epoll_ctl", ERRORS(ENOSPC, ENOMEM)) : 0;
    if (!error) return syscall(SYS_epoll_ctl, fd, operation, other, event);
    errno = error;
    return -1;
}

/* The kernel closes the descriptor whatever it answers. */
int close(int fd)
{
    int result = syscall(SYS_close, fd);
    int error = failure("close", ERRORS(EIO, EINTR));
    if (!error) return result;
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    int error = failure("open", ERRORS(EACCES, EMFILE, EIO));
    if (!error) return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    errno = error;
    return -1;
}

int fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    int error = failure("fcntl", ERRORS(EPERM, EINVAL, EAGAIN));
    if (!error) return syscall(SYS_fcntl, fd, command, argument);
    errno = error;
    return -1;
}
