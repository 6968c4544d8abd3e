/* first: how long from starting a server to the first whole poem.
 *
 *   first PORT BYTES COMMAND...
 *
 * Starts the command, connects to 127.0.0.1:PORT again and again, 100 us apart, until one connection has given BYTES
 * bytes and an end; prints the microseconds since before the fork, and ends the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
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

/* The bytes of one connection, or -1 if nobody listens yet. */
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

int main(int argc, char **argv)
{
    if (argc < 4) { fputs("first PORT BYTES COMMAND...\n", stderr); return 2; }
    uint16_t port = (uint16_t)atoi(argv[1]);
    long bytes = atol(argv[2]);
    int64_t begin = now_us();
    pid_t pid = fork();
    if (pid < 0) { perror("first: fork"); return 2; }
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    int64_t took = -1;
    while (now_us() - begin < 10000000) {
        if (fetch(port) == bytes) { took = now_us() - begin; break; }
        if (waitpid(pid, NULL, WNOHANG) == pid) { fputs("first: the server ended\n", stderr); return 1; }
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (took < 0) { fputs("first: no whole poem within 10 s\n", stderr); return 1; }
    printf("%lld\n", (long long)took);
    return 0;
}
