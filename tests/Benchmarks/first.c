/* first: how long from starting a server to its first sign of life.
 *
 *   first ready PORT BYTES COMMAND...   to the end of its first line on standard output
 *   first poem PORT BYTES COMMAND...    to the first whole poem of so many bytes from 127.0.0.1:PORT, which is asked for
 *                                       again and again, 100 us apart
 *
 * Prints the milliseconds since before the fork, and ends the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The bytes of one connection, or -1 if the port is not open yet. */
static long fetch(uint16_t port)
{
    char block[65536];
    long got = 0;
    ssize_t n;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) {
        close(fd);
        return -1;
    }
    while ((n = read(fd, block, sizeof block)) > 0) got += n;
    close(fd);
    return n < 0 ? -1 : got;
}

/* The end of the first line, or of the program. */
static bool line_came(int out)
{
    char block[4096];
    ssize_t n;
    while ((n = read(out, block, sizeof block)) > 0)
        if (memchr(block, '\n', (size_t)n)) return true;
    return false;
}

static bool poem_came(uint16_t port, long bytes, pid_t pid)
{
    int64_t until = now_us() + 10000000;
    while (now_us() < until) {
        if (fetch(port) == bytes) return true;
        if (waitpid(pid, NULL, WNOHANG) == pid) return false;
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    return false;
}

int main(int argc, char **argv)
{
    if (argc < 5) { fputs("first ready|poem PORT BYTES COMMAND...\n", stderr); return 2; }
    bool for_line = !strcmp(argv[1], "ready");
    int out[2];
    if (pipe2(out, O_CLOEXEC)) { perror("first: pipe"); return 2; }
    int64_t begin = now_us();
    pid_t pid = fork();
    if (pid < 0) { perror("first: fork"); return 2; }
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(for_line ? out[1] : null, 1);
        dup2(null, 2);
        execvp(argv[4], argv + 4);
        _exit(127);
    }
    close(out[1]);
    alarm(20); /* a server that never says a word ends this program, and the pipe with it */
    bool came = for_line ? line_came(out[0]) : poem_came((uint16_t)atoi(argv[2]), atol(argv[3]), pid);
    int64_t took = now_us() - begin;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (!came) { fputs("first: it did not come\n", stderr); return 1; }
    printf("%.2f\n", (double)took / 1e3);
    return 0;
}
