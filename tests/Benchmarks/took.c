/* took: what a program that ends has taken.
 *
 *   took COMMAND...
 *
 * Its standard output goes to /dev/null. Prints microseconds of the clock, microseconds of the processor, and the KiB of
 * its largest resident memory; ends as the program ended. A program that runs for a minute is ended.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long us_of(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status;
    if (argc < 2) { fputs("took COMMAND...\n", stderr); return 2; }
    long long begin = now_us();
    pid_t pid = fork();
    if (pid < 0) { perror("took: fork"); return 2; }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60); /* outlives exec */
        dup2(open("/dev/null", O_WRONLY), 1);
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (wait4(pid, &status, 0, &used) != pid) { perror("took: wait4"); return 2; }
    printf("%lld %lld %ld\n", now_us() - begin, us_of(used.ru_utime) + us_of(used.ru_stime), used.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
