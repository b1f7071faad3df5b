/* Of calls.c: signals. */

static void on_signal(int number, siginfo_t *info, void *context)
{
	stack_t *s = &((ucontext_t *)context)->uc_stack;
	SAY("  signal %d code %d pid %d uid %d value %lx", number, info->si_code,
	    info->si_pid == getpid(), info->si_uid == getuid(), (unsigned long)info->si_value.sival_ptr);
	SAY(" stack %d %zu mask %d\n", s->ss_flags, s->ss_size,
	    sigismember(&((ucontext_t *)context)->uc_sigmask, SIGUSR2));
}

static void on_child(int number, siginfo_t *info, void *context)
{
	SAY("  child: code %d status %d uid %d times %d\n", info->si_code, info->si_status,
	    info->si_uid == getuid(), info->si_utime >= 0 && info->si_stime >= 0);
}

static volatile int caught;

static void catch(int number)
{
	caught = number;
}

/* A process that sends a signal in 20 milliseconds. */
static pid_t later(int number)
{
	pid_t child = fork();
	if (child == 0) {
		usleep(20000);
		kill(getppid(), number);
		_exit(0);
	}
	return child;
}

static void signals(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART }, was;
	sigset_t set, other, waiting;
	sigemptyset(&set), sigaddset(&set, SIGUSR2);
	CALL(sigprocmask(SIG_BLOCK, &set, NULL));
	CALL(sigprocmask(9, &set, NULL));
	CALL(sigprocmask(9, NULL, &other));
	CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4L));
	CALL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8L));
	CALL(sigaction(SIGKILL, &action, NULL));
	CALL(sigaction(SIGKILL, NULL, &was));
	CALL(sigaction(0, NULL, &was));
	CALL(sigaction(65, NULL, &was));
	CALL(syscall(SYS_rt_sigaction, SIGHUP, BAD, NULL, 8L));
	CALL(syscall(SYS_rt_sigaction, SIGHUP, NULL, NULL, 9L));
	stack_t stack = { .ss_sp = malloc(20000), .ss_size = 20000 }, before;
	CALL(sigaltstack(&stack, NULL));
	action.sa_mask = set;
	CALL(sigaction(SIGUSR1, &action, NULL));
	CALL(sigaction(SIGUSR1, NULL, &was));
	SAY("  %d flags %x mask %d\n", was.sa_sigaction == on_signal, was.sa_flags & 0xffffff,
	    sigismember(&was.sa_mask, SIGUSR2));
	CALL(raise(SIGUSR1));
	CALL(kill(getpid(), SIGUSR1));
	CALL(kill(getpid(), 0));
	CALL(kill(getpid(), 65));
	CALL(kill(getpid(), -1));
	CALL(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	CALL(syscall(SYS_tgkill, getpid(), 0, SIGUSR1));
	CALL(syscall(SYS_tgkill, getpid(), 1 << 21, SIGUSR1));
	CALL(syscall(SYS_tkill, -1, SIGUSR1));
	raise(SIGUSR2);
	CALL(sigpending(&other) ? -1 : sigismember(&other, SIGUSR2) + 2 * sigismember(&other, SIGUSR1));
	int file = signalfd(-1, &set, 0);
	struct signalfd_siginfo from_file;
	struct pollfd p = { file, POLLIN };
	CALL(poll(&p, 1, 1000));
	CALL(read(file, &from_file, sizeof from_file));
	SAY("  %d code %d pid %d\n", from_file.ssi_signo, from_file.ssi_code, from_file.ssi_pid == getpid());
	CALL(fcntl(file, F_SETFL, O_NONBLOCK));
	CALL(read(file, &from_file, sizeof from_file));
	CALL(read(file, &from_file, 4));
	CALL(signalfd(0, &set, 0));
	CALL(signalfd(-1, &set, 99));
	CALL(syscall(SYS_signalfd4, -1, &set, 4L, 0));
	CALL(sigaltstack(NULL, &before));
	SAY("  %d %zu %d\n", before.ss_sp == stack.ss_sp, before.ss_size, before.ss_flags);
	stack.ss_size = 100;
	CALL(sigaltstack(&stack, NULL));
	stack.ss_flags = 99;
	CALL(sigaltstack(&stack, NULL));
	CALL(sigaltstack(BAD, NULL));
	stack.ss_flags = SS_DISABLE;
	CALL(sigaltstack(&stack, NULL));
	/* Interrupted calls, with SA_RESTART and without. */
	int ends[2];
	struct sigaction plain = { .sa_handler = catch };
	struct timespec long_time = { 5, 0 }, left = { 9, 9 };
	pipe(ends);
	sigaction(SIGHUP, &plain, NULL);
	later(SIGHUP);
	CALL(read(ends[0], text, 1));
	wait(NULL);
	later(SIGHUP);
	CALL(nanosleep(&long_time, &left));
	SAY("  %ld\n", (long)left.tv_sec);
	wait(NULL);
	if (fork() == 0)	/* what a child handles is its own */
		signal(SIGHUP, SIG_DFL), _exit(0);
	wait(NULL);
	later(SIGHUP);
	CALL(pause());
	wait(NULL);
	sigfillset(&waiting), sigdelset(&waiting, SIGHUP);
	later(SIGHUP);
	CALL(sigsuspend(&waiting));
	wait(NULL);
	later(SIGHUP);
	CALL(poll(NULL, 0, 5000));
	wait(NULL);
	plain.sa_flags = SA_RESTART;
	sigaction(SIGHUP, &plain, NULL);
	if (fork() == 0) {
		usleep(20000);
		kill(getppid(), SIGHUP);
		usleep(20000);
		write(ends[1], "x", 1);
		_exit(0);
	}
	caught = 0;
	CALL(read(ends[0], text, 1));
	SAY("  caught %d\n", caught);
	wait(NULL);
	later(SIGHUP);
	CALL(poll(NULL, 0, 5000));
	wait(NULL);
	plain.sa_flags = SA_RESETHAND | SA_NODEFER;
	sigaction(SIGHUP, &plain, NULL);
	raise(SIGHUP);
	sigaction(SIGHUP, NULL, &was);
	CALL(was.sa_handler == SIG_DFL);
	CALL(close(file));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void queued(void)
{
	union sigval value = { .sival_ptr = (void *)0x76543210UL };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	sigset_t set;
	siginfo_t info;
	struct timespec limit = { 5, 0 }, tiny = { 0, 1000000 }, bad = { 0, -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (int n = 0; n < 4; n++)
		sigaddset(&set, SIGRTMIN + n), sigaction(SIGRTMIN + n, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	CALL(sigqueue(getpid(), SIGUSR1, value));
	CALL(sigqueue(getpid(), 99, value));
	CALL(sigqueue(1 << 21, SIGUSR1, value));
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int n = 0; n < 6; n++) {
		value.sival_int = n;
		sigqueue(getpid(), SIGRTMIN + 3 - n % 3, value);
	}
	raise(SIGUSR2), raise(SIGUSR2);
	CALL(sigtimedwait(&set, &info, &limit));
	CALL(sigtimedwait(&set, &info, &limit) - SIGRTMIN);
	SAY("  code %d value %d\n", info.si_code, info.si_value.sival_int);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CALL(sigtimedwait(&set, &info, &tiny));
	CALL(sigtimedwait(&set, &info, &bad));
	CALL(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4L));
	if (fork() == 0) {	/* from another process it comes by the kernel */
		for (int n = 0; n < 3; n++) {
			value.sival_int = 1234 + n;
			sigqueue(getppid(), SIGRTMIN + 1, value);
		}
		value.sival_ptr = (void *)0x7654321UL;
		CALL(sigqueue(getppid(), SIGUSR2, value));
		_exit(0);
	}
	wait(NULL);
	for (int n = 0; n < 4; n++) {
		int got = sigtimedwait(&set, &info, &limit);
		SAY("  %d code %d value %lx uid %d\n", got, info.si_code,
		    (unsigned long)info.si_value.sival_ptr, info.si_uid == getuid());
	}
	info.si_code = SI_USER;
	CALL(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
	pid_t child = fork();
	if (child == 0)
		pause();
	CALL(syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &info));
	int process = syscall(434, child, 0);
	CALL(process < 0 ? -1 : 0);
	CALL(fcntl(process, F_GETFD));
	CALL(syscall(434, child, 77));
	CALL(syscall(434, -1, 0));
	CALL(syscall(434, 1 << 21, 0));
	struct pollfd p = { process, POLLIN };
	CALL(poll(&p, 1, 0));
	CALL(syscall(424, process, SIGTERM, NULL, 9));
	CALL(syscall(424, 0, SIGTERM, NULL, 0));
	CALL(syscall(424, process, SIGTERM, NULL, 0));
	CALL(poll(&p, 1, 5000));
	CALL(waitid(3, process, &info, WEXITED));
	SAY("  code %d status %d\n", info.si_code, info.si_status);
	CALL(syscall(424, process, SIGTERM, NULL, 0));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
