/* receive: the smallest epoll program that fetches poems from many servers at once, each whole or not at all.
 *
 *   receive [--output DIRECTORY] IPV4:PORT...
 *
 * With a directory each poem goes into a file there as it comes, under another name until it is whole. Without one each is
 * kept until it is whole and then written to standard output, so that no two are mixed. Ends with 1 if one did not come.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK (256u << 10)

struct poem {
    const char *from;
    int socket, file;
    char *bytes; /* bytes that wait for standard output */
    size_t length, room;
};

static char block[BLOCK];
static const char *directory;

static void die(const char *what)
{
    fprintf(stderr, "receive: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0) die("write");
        bytes += n;
        length -= (size_t)n;
    }
}

static void name_of(const struct poem *p, char name[4096], const char *suffix)
{
    int n = snprintf(name, 4096, "%s/%s.txt%s", directory, p->from, suffix);
    if (n >= 4096) { errno = ENAMETOOLONG; die(directory); }
    *strrchr(name, ':') = '_';
}

static void begin(struct poem *p, int ep)
{
    char host[64], name[4096];
    const char *colon = strrchr(p->from, ':');
    struct sockaddr_in a = { .sin_family = AF_INET };
    if (!colon || colon - p->from >= (long)sizeof host) { errno = EINVAL; die(p->from); }
    memcpy(host, p->from, (size_t)(colon - p->from));
    host[colon - p->from] = 0;
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) { errno = EINVAL; die(p->from); }
    a.sin_port = htons((uint16_t)atoi(colon + 1));
    p->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->socket < 0) die("socket");
    if (connect(p->socket, (struct sockaddr *)&a, sizeof a) && errno != EINPROGRESS) die(p->from);
    if (directory) {
        name_of(p, name, ".part");
        p->file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (p->file < 0) die(name);
    }
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, p->socket, &ev)) die("epoll_ctl");
}

/* One read: level-triggered, so that all get their turn. True when the poem has ended. */
static bool take(struct poem *p, bool *whole)
{
    char *to = block;
    size_t room = BLOCK;
    if (!directory) {
        if (p->room - p->length < BLOCK) {
            p->room = p->room ? p->room * 2 : 2 * BLOCK;
            p->bytes = realloc(p->bytes, p->room);
            if (!p->bytes) die("memory");
        }
        to = p->bytes + p->length;
        room = p->room - p->length;
    }
    ssize_t n = recv(p->socket, to, room, 0);
    if (n < 0) {
        if (errno == EAGAIN) return false;
        *whole = false;
        return true;
    }
    if (n == 0) return true;
    if (directory) write_all(p->file, block, (size_t)n);
    p->length += (size_t)n;
    return false;
}

static void finish(struct poem *p, bool whole)
{
    char part[4096], name[4096];
    close(p->socket);
    if (directory) {
        name_of(p, part, ".part");
        name_of(p, name, "");
        if (close(p->file) || (whole ? rename(part, name) : unlink(part))) die(name);
    } else {
        if (whole) write_all(1, p->bytes, p->length);
        free(p->bytes);
    }
}

int main(int argc, char **argv)
{
    int at = 1, left, failed = 0;
    if (argc > 3 && !strcmp(argv[1], "--output")) {
        directory = argv[2];
        at = 3;
    }
    if (at >= argc) { fputs("receive [--output DIRECTORY] IPV4:PORT...\n", stderr); return 2; }
    left = argc - at;
    struct poem *poems = calloc((size_t)left, sizeof *poems);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (!poems || ep < 0) die("memory");
    for (int i = 0; i < left; i++) {
        poems[i].from = argv[at + i];
        begin(&poems[i], ep);
    }
    struct epoll_event evs[128];
    while (left) {
        int n = epoll_wait(ep, evs, 128, -1);
        if (n < 0) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            bool whole = true;
            if (!take(evs[i].data.ptr, &whole)) continue;
            finish(evs[i].data.ptr, whole);
            if (!whole) failed = 1;
            left--;
        }
    }
    return failed;
}
