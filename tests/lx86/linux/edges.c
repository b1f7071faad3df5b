/* What a program and its kernel say to each other, written down: the same on every x86. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef __x86_64__
#define A REG_RAX
#define C REG_RCX
#define IP REG_RIP
#define CR2(u) (u)->uc_mcontext.gregs[REG_CR2]
#define R "%%r"	/* a whole register */
#define PUSH "pushq"
#define POP "popq"
#define ARGUMENT 0x89, 0xf8, 0x66, 0x90	/* movl %edi, %eax */
#else
#define A REG_EAX
#define C REG_ECX
#define IP REG_EIP
#define CR2(u) (u)->uc_mcontext.cr2
#define R "%%e"
#define PUSH "pushl"
#define POP "popl"
#define ARGUMENT 0x8b, 0x44, 0x24, 4	/* movl 4(%esp), %eax */
#endif

#include "edges_faults.h"

static volatile int depth;

static void step_over(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	r[IP] += 2;	/* ud2 */
	r[A] *= 3;
	r[REG_EFL] |= 1;
}

static void on_number(int number)
{
	depth++;
}

static void signals(void)
{
	struct sigaction action = { .sa_sigaction = step_over, .sa_flags = SA_SIGINFO };
	sigaction(SIGILL, &action, NULL);
	unsigned eax = 14, carry = 0;
	asm volatile("clc; ud2; sbbl %1, %1" : "+a"(eax), "+r"(carry)::"cc");
	printf("handler changed eax to %u and carry to %d\n", eax, (int)carry);
	asm volatile("fld1; fldpi");
	double pi, one;
	float x[4] = { 1, 2, 3, 4 }, y[4];
	asm volatile("movups %2, %%xmm5; ud2; movups %%xmm5, %3; fstpl %0; fstpl %1"
		     : "=m"(pi), "=m"(one) : "m"(x), "m"(y), "a"(0) : "xmm5", "memory");
	printf("pi %.17g one %g xmm %g %g\n", pi, one, y[0], y[3]);

	signal(SIGALRM, on_number);
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	setitimer(ITIMER_REAL, &every, NULL);
	while (depth < 3)
		;
	memset(&every, 0, sizeof every);
	setitimer(ITIMER_REAL, &every, NULL);
	printf("a loop saw 3 alarms\n");

	sigset_t set, old;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, on_number);
	depth = 0;
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	printf("blocked: %d\n", depth);
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("not blocked: %d\n", depth);
}

typedef int Function(int);

static void generated(void)
{
	unsigned char *code = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int sum = 0;
	for (int n = 0; n < 50; n++) {	/* movl argument, %eax; addl $n, %eax; ret */
		unsigned char new[] = { ARGUMENT, 0x83, 0xc0, n, 0xc3 };
		memcpy(code, new, sizeof new);
		sum += ((Function *)code)(n);
	}
	printf("rewritten %d\n", sum);
	/* code that changes the instruction right behind it: movb $7, 1(%eip); movl $1, %eax; ret */
	for (int n = 0; n < 3; n++) {
#ifdef __x86_64__
		unsigned char self[] = { ARGUMENT, 0x88, 5, 1, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xc3 };
#else
		unsigned char self[] = { ARGUMENT, 0xa2, 0, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xc3 };
		memcpy(self + 5, &(unsigned char *){ code + 10 }, 4);
#endif
		memcpy(code, self, sizeof self);
		printf("itself %d\n", ((Function *)code)(n + 40));
	}
	/* a function over the border of two pages, one of which changes */
	unsigned char *at = code + 0x1000 - 6;
	for (int n = 0; n < 3; n++) {
		unsigned char new[] = { ARGUMENT, 0x83, 0xc0, n, 0xc3 };
		memcpy(at, new, sizeof new);
		printf("border %d\n", ((Function *)at)(100));
	}
	printf("from its middle %d\n", ({ int r; asm volatile("call *%1" : "=a"(r) : "r"(at + 4), "a"(5)); r; }));
	mprotect(code, 0x2000, PROT_READ | PROT_EXEC);
	printf("protected %d\n", ((Function *)at)(200));
	munmap(code, 0x1000);
	code = mmap(code, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memcpy(code + 0x1000 - 6, "\xb8\x09\0\0\0\xc3", 6);
	printf("mapped anew %d\n", ((Function *)at)(200));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int whose, total, atomic;
static __thread int mine = 5;

static void *work(void *argument)
{
	int number = (int)(intptr_t)argument;
	double x = number;
	for (int n = 0; n < 200; n++) {
		__sync_fetch_and_add(&atomic, 1);
		x = x * 1.0000001 + 1;
		mine += number;
		if (n % 50 == 0) {
			pthread_mutex_lock(&lock);
			while (whose != number)
				pthread_cond_wait(&turn, &lock);
			total = total * 3 % 10007 + number;
			whose = (whose + 1) % 4;
			pthread_cond_broadcast(&turn);
			pthread_mutex_unlock(&lock);
		}
	}
	printf("%s", "");
	return (void *)(intptr_t)(mine + (int)x);
}

static void threads(void)
{
	pthread_t all[4];
	for (int n = 0; n < 4; n++)
		pthread_create(&all[n], NULL, work, (void *)(intptr_t)n);
	for (int n = 0; n < 4; n++) {
		void *result;
		pthread_join(all[n], &result);
		printf("thread %d: %d\n", n, (int)(intptr_t)result);
	}
	printf("total %d atomic %d mine %d\n", total, atomic, mine);
}

static void processes(const char *self)
{
	int ends[2], status;
	char text[64] = "";
	pipe(ends);
	double x = 2.5;
	if (fork() == 0) {
		dprintf(ends[1], "child %g", x * 2);
		_exit(7);
	}
	wait(&status);
	read(ends[0], text, sizeof text - 1);
	printf("%s, status %d\n", text, WEXITSTATUS(status));
	fflush(stdout);
	if (fork() == 0) {
		execl(self, self, "again", "with spaces", (char *)NULL);
		_exit(1);
	}
	wait(&status);
	printf("executed: %d\n", WEXITSTATUS(status));
	fflush(stdout);
	if (vfork() == 0) {
		execl("/not/there", "x", (char *)NULL);
		_exit(errno);
	}
	wait(&status);
	printf("not there: %d\n", WEXITSTATUS(status));
	if (fork() == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile int *)4 = 1;
	}
	wait(&status);
	printf("died of %d\n", WTERMSIG(status));
}

static long double stored;

/* One way knows the x87's stack where another one, which may not go there, does not. */
__attribute__((noinline)) static int ways(char *text, char **place_of, int *error)
{
	int result;
	asm volatile("xor %%ecx, %%ecx; test " R "di, " R "di; je 6f; fldz; fxch; fucomi %%st(1), %%st;"
		     "fstp %%st(1); jp 2f; mov $1, %%ecx; je 3f; 2: cmpl $0x22, (" R "dx); setne %%cl;"
		     "3: mov " R "ax, (" R "di); 4: fstpt (" R "si); jmp 9f;"
		     "6: xor %%ecx, %%ecx; cmpb $0, (" R "ax); jne 4b; fldz; fxch; fucomi %%st(1), %%st;"
		     "fstp %%st(1); jp 7f; mov $1, %%ecx; je 4b; 7: cmpl $0x22, (" R "dx); setne %%cl;"
		     "jmp 4b; 9:"
		     : "=c"(result)
		     : "d"(error), "a"(text), "D"(place_of), "S"(&stored)
		     : "cc", "memory");
	return result;
}

static void stack_depths(void)
{
	int (*volatile function)(char *, char **, int *) = ways;
	char *s, end = 0, more = 'x';
	int error = 0;
	for (int n = 0; n < 3; n++) {
		asm volatile("fld1");
		printf("%d ", function(&end, 0, &error));
		asm volatile("fldz; fld1");
		printf("%d ", function(&end, 0, &error));
		asm volatile("fstp %st(0); fldpi");
		printf("%d ", function(&more, 0, &error));
		asm volatile("fld1");
		printf("%d %Lg\n", function(&more, &s, &error), stored);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "again")) {
		printf("%d arguments, the last: %s\n", argc, argv[argc - 1]);
		return 33;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	generated();
	stack_depths();
	signals();
	threads();
	processes(argv[0]);
	faults();
	stacks();
	parts();
	printf("%.20Lg %.17g\n", 1.0L / 3, (double)argc / 7);
	return 42;
}
