/* Wild system calls: `wild COUNT SEED`.  Children make them, a thousand each, with arguments that
   are small, large, addresses, paths that lead out of a root, and whatever else. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 1000, NUMBERS = 470, LONGEST = 2 };

static const int never[] = {	/* these end, stop or multiply the process, or wait for ever */
	SYS_exit, SYS_exit_group, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_pause, SYS_kill,
	SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_rt_sigsuspend, SYS_alarm,
	SYS_setitimer, SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sync,
#ifdef __i386__
	SYS_sigreturn, SYS_sigsuspend, SYS_sigaction, SYS_sigprocmask, SYS_signal, SYS_waitpid,
#endif
	SYS_pidfd_send_signal, SYS_timer_settime, SYS_setpgid, SYS_setsid,
};
static char *const paths[] = {
	"/", "..", "../../../../../../outside/secret", "out", "out/secret", "link", "/proc/self/root/..",
	"/proc/1/root", "/proc/self/fd/3", "/proc/self/cwd/../../outside", "made", "", ".", "below/..",
	"/dev/null", "/proc/self/exe", "/tmp", "new", "a/b/c", "/out/../out/secret",
};
static unsigned long long state;
static char area[65536] __attribute__((aligned(4096)));

static unsigned roll(unsigned most)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % most;
}

static long argument(void)
{
	switch (roll(12)) {
	case 0: case 1: return roll(8);
	case 2: return -1L - roll(3);
	case 3: case 4: return (long)(area + roll(sizeof area));
	case 5: return (long)paths[roll(sizeof paths / sizeof *paths)];
	case 6: return 1L << roll(8 * sizeof(long));
	case 7: return (long)&argument + roll(4096);
	case 8: return 4096L * roll(1 << 20);
	case 9: return AT_FDCWD;
	case 10: return roll(4096);
	default: return (long)(state >> 7);
	}
}

static void child(unsigned seed)
{
	struct itimerval limit = { { 0, 0 }, { LONGEST, 0 } };
	state = seed * 2654435761ull + 12345;
	for (int n = 0; n < 300; n++)
		((long *)area)[roll(sizeof area / sizeof(long))] = argument();
	setitimer(ITIMER_REAL, &limit, NULL);
	for (int n = 0; n < EACH; n++) {
		int number = roll(NUMBERS), bad = 0;
		for (unsigned k = 0; k < sizeof never / sizeof *never; k++)
			bad |= number == never[k];
		if (!bad)
			syscall(number, argument(), argument(), argument(), argument(), argument(), argument());
	}
	_exit(0);
}

int main(int count, char **words)
{
	long calls = atol(words[1]);
	unsigned seed = atoi(words[2]), ended = 0, killed = 0;
	for (long n = 0; n < calls; n += EACH, seed++) {
		int status = 0;
		pid_t pid = fork();
		if (!pid) {
			close(0), close(1), close(2);
			open("/dev/null", O_RDWR), dup(0), dup(0);
			child(seed);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 3;
		if (WIFSIGNALED(status))
			killed++;
		else
			ended++;
	}
	printf("%u ended, %u killed\n", ended, killed);
	return 42;
}
