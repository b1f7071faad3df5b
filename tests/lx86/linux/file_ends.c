/* Shared maps of files that grow and are cut while they are mapped. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 600 };

static sigjmp_buf back;
static char *base;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    printf("signal %d code %d at %ld", number, info->si_code, (long)((char *)info->si_addr - base));
    siglongjmp(back, 1);
}

#define TRY(what, page, code) \
    do { \
        printf(what ": "); \
        if (!sigsetjmp(back, 1)) { \
            asm volatile(code : : "r"(base + (page) * PAGE), "d"(7) : "memory", "cc"); \
            printf("done"); \
        } \
        printf("\n"); \
    } while (0)

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    char name[] = "./file-ends-XXXXXX", data[2 * PAGE] = "";
    int file = mkstemp(name);
    setvbuf(stdout, NULL, _IONBF, 0);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    ftruncate(file, 100);
    base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    TRY("the file's page", 0, "movl %%edx, (%0)");
    TRY("behind it", 1, "movl %%edx, (%0)");
    ftruncate(file, 2 * PAGE);
    TRY("it has grown", 1, "movl %%edx, (%0)");
    pwrite(file, "x", 1, 400 * PAGE + 5);
    printf("written %c and %d\n", base[400 * PAGE + 5], base[PAGE]);
    if (!fork()) {
        ftruncate(file, 500 * PAGE);
        _exit(0);
    }
    wait(NULL);
    printf("read %zd\n", pread(file, base + 498 * PAGE, 10, 0));
    printf("read %zd\n", pread(file, base + 500 * PAGE, 10, 0));
    mprotect(base + 499 * PAGE, 2 * PAGE, PROT_READ);
    TRY("may not", 499, "movl %%edx, (%0)");
    TRY("is not there", 500, "movl %%edx, (%0)");
    TRY("nor to be read", 500, "movl (%0), %%edx");
    ftruncate(file, 501 * PAGE);
    TRY("may not now", 500, "movl %%edx, (%0)");
    TRY("may be read", 500, "movl (%0), %%edx");

    ftruncate(file, PAGE);
    TRY("plain", 1, "movl %%edx, (%0)");
    TRY("loads", 400, "movl (%0), %%edx");
    TRY("locked", 1, "lock incl (%0)");
    TRY("not aligned", 1, "lock incl 3(%0)");
    TRY("across", 1, "lock incl -2(%0)");
    TRY("exchange", 2, "xchgl %%edx, (%0)");
    TRY("within", 0, "lock incl (%0)");
    printf("write %zd\n", write(STDOUT_FILENO, base + PAGE, 1));
    printf("read %zd\n", pread(file, data, sizeof data, 0));
    close(open(name, O_RDWR | O_TRUNC));
    TRY("nothing left", 0, "movl (%0), %%edx");
    truncate(name, 3 * PAGE);
    TRY("zeros", 2, "addl $1, (%0)");
    printf("%d %d\n", base[0], base[2 * PAGE]);
    unlink(name);
    return 0;
}
