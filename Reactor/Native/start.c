// What has to be done before the .NET runtime begins, which has threads and reserves memory before Main is called.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// With less address space the runtime ends with SIGSEGV or status 255, and without a line.
static const rlim_t min_address_space = 48 << 20;

// Absent in a static executable.
extern __attribute__((weak)) const char _DYNAMIC[];

static void *run_nothing(void *argument) {
  return argument;
}

#ifdef __GLIBC__
// What main returns if the runtime can't start, without a line; no command of poetry has this status.
static void explain_exit(int status, void *argument) {
  (void)argument;
  if (status != -1)
    return;
  pthread_t thread;
  dprintf(STDERR_FILENO, "poetry: cannot start: %s\n",
    pthread_create(&thread, NULL, run_nothing, NULL) == 0 ? "too little memory" : "no thread is left for the runtime");
  _exit(1);
}
#endif

__attribute__((constructor)) static void start(void) {
  // The signals that SignalQueue.cs receives: threads inherit the mask, and a signal that comes before Main is pending.
  static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
  sigset_t blocked;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaddset(&blocked, signals[i]);
  sigprocmask(SIG_BLOCK, &blocked, NULL);

  // Asked for dumps of crashes, the runtime looks for the path of its module, and where there is none it ends with status
  // 255, and without a line. The variable may be meant for other programs of the machine.
  if (_DYNAMIC == NULL)
    unsetenv("DOTNET_DbgEnableMiniDump");

#ifdef __GLIBC__
  on_exit(explain_exit, NULL);
#else
  // Other C libraries, as musl, don't say with which status a process exits.
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_nothing, NULL) != 0) {
    dprintf(STDERR_FILENO, "poetry: cannot start: no thread is left for the runtime\n");
    _exit(1);
  }
  pthread_join(thread, NULL);
#endif

  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return;
  if (limit.rlim_cur < min_address_space) {
    dprintf(STDERR_FILENO, "poetry: too little memory: ulimit -v is %llu, %llu are needed\n",
      (unsigned long long)limit.rlim_cur >> 10, (unsigned long long)min_address_space >> 10);
    _exit(1);
  }
#ifdef M_ARENA_MAX
  // glibc reserves 128 MiB for the first allocation of each thread. The collector reserves half of the limit at the same
  // time, and in 1 of 300 starts had none left.
  mallopt(M_ARENA_MAX, 1);
#endif
}
