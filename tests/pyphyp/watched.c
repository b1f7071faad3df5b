/* A guest's program that watches its own storage and steps a child (perf_event_open(2), ptrace(2)):
   prints what the kernel counted. */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile long storage[8] __attribute__((aligned(64)));

static int watch(int type)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof attributes,
        .bp_type = type,
        .bp_addr = (uintptr_t)&storage[2],
        .bp_len = sizeof *storage,
        .sample_period = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static void report(const char *what, int type)
{
    long hits = -1;
    int event = watch(type);
    for (int i = 0; i < 10; i++) {
        storage[2] = i;
        storage[1] = storage[3] = i;
        (void)storage[2];
    }
    if (event < 0 || read(event, &hits, sizeof hits) != sizeof hits)
        printf("%s cannot be watched\n", what);
    else
        printf("%s: %ld\n", what, hits);
    close(event);
}

static void child(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    long sum = 0;
    for (volatile int i = 0; i < 100; i++)
        sum += i;
    _exit(sum == 4950 ? 42 : 1);
}

int main(void)
{
    report("stores", HW_BREAKPOINT_W);
    report("accesses", HW_BREAKPOINT_RW);
    int status, steps = 0;
    pid_t stepped = fork();
    if (!stepped)
        child();
    waitpid(stepped, &status, 0);
    while (!ptrace(PTRACE_SINGLESTEP, stepped, 0, 0) && waitpid(stepped, &status, 0) > 0
           && WIFSTOPPED(status))
        steps++;
    printf("%s 500 steps, exit %d\n", steps > 500 ? "over" : "below", WEXITSTATUS(status));
    return 0;
}
