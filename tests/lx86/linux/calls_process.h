/* Of calls.c: processes, threads, storage. */

static void children(void)
{
	struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO };
	siginfo_t info;
	struct rusage usage;
	int status;
	CALL(wait(&status));
	CALL(waitpid(getpid(), &status, 0));
	CALL(waitpid(-1, &status, 0x4444));
	CALL(waitid(P_ALL, 0, &info, 0));
	CALL(waitid(99, 0, &info, WEXITED));
	CALL(waitid(P_ALL, 0, &info, WEXITED));
	sigaction(SIGCHLD, &action, NULL);
	if (fork() == 0)
		_exit(9);
	memset(&info, 0, sizeof info);
	while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) && errno == EINTR);
	SAY("  signo %d code %d status %d\n", info.si_signo, info.si_code, info.si_status);
	CALL(wait4(-1, &status, 0, &usage) > 0);
	SAY("  %x %d %d\n", status, usage.ru_utime.tv_sec == 0, usage.ru_maxrss > 0);
	signal(SIGCHLD, SIG_DFL);
	pid_t child = fork();
	if (child == 0)
		pause(), _exit(1);
	CALL(waitpid(child, &status, WNOHANG));
	info.si_pid = 77;
	CALL(waitid(P_PID, child, &info, WEXITED | WNOHANG) ? -1 : info.si_pid);
	CALL(kill(child, SIGSTOP));
	CALL(waitpid(child, &status, WUNTRACED) == child);
	SAY("  %x\n", status);
	CALL(kill(child, SIGCONT));
	CALL(waitpid(child, &status, WCONTINUED) == child);
	SAY("  %x\n", status);
	CALL(waitpid(child, BAD, WNOHANG));
	CALL(setpgid(child, child));
	CALL(getpgid(child) == child);
	CALL(getpgid(1 << 21));
	CALL(setpgid(child, 1 << 21));
	CALL(waitpid(-child, &status, WNOHANG));
	CALL(kill(-child, SIGKILL));
	CALL(waitid(P_PGID, child, &info, WEXITED));
	SAY("  code %d status %d\n", info.si_code, info.si_status);
	CALL(getsid(0) > 0);
	CALL(getsid(1 << 21));
	child = vfork();
	if (child == 0)
		_exit(5);
	CALL(waitpid(child, &status, 0) == child);
	SAY("  %x\n", status);
	char *none[] = { NULL };
	CALL(execve("nothing", none, none));
	CALL(execve(".", none, none));
	close(made("made", "nonsense"));
	CALL(execve("made", none, none));
	chmod("made", 0755);
	CALL(execve("made", none, none));
	CALL(execve(BAD, none, none));
	CALL(execve("made", BAD, none));
	CALL(syscall(SYS_execveat, AT_FDCWD, "made", none, none, 0x999));
	unlink("made");
	CALL(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
	CALL(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
	struct { uint64_t flags, pidfd, child, parent, signal, stack, size, tls; } how = { 0 };
	CALL(syscall(435, &how, 8L));
	CALL(syscall(435, BAD, sizeof how));
	how.signal = SIGCHLD, how.flags = 1;
	CALL(syscall(435, &how, sizeof how));
	int process = -1;
	how.flags = CLONE_PIDFD, how.pidfd = (uintptr_t)&process;
	long made_child = syscall(435, &how, sizeof how);
	if (!made_child)
		_exit(3);
	CALL(waitid(3, process, &info, WEXITED));
	SAY("  %d %d\n", info.si_status, info.si_pid == made_child);
}

static void futexes(void)
{
	static int word[4] __attribute__((aligned(16)));
	struct timespec tiny = { 0, 2000000 }, bad = { 0, -1 }, past = { 1, 0 };
	CALL(syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &tiny));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT, 0, &bad));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &past, NULL, 0));
	CALL(syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &bad));
	CALL(syscall(SYS_futex, (char *)word + 1, FUTEX_WAIT, 0, &tiny));
	CALL(syscall(SYS_futex, BAD, FUTEX_WAIT, 0, &tiny));
	CALL(syscall(SYS_futex, word, FUTEX_WAKE, 5));
	CALL(syscall(SYS_futex, (char *)word + 1, FUTEX_WAKE, 1));
	CALL(syscall(SYS_futex, word, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0));
	CALL(syscall(SYS_futex, word, FUTEX_REQUEUE, 1, 1, word + 1, 0));
	CALL(syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 1, 1, word + 1, 9));
	CALL(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1, word + 1, FUTEX_OP(FUTEX_OP_ADD, 3, 0, 0)));
	SAY("  %d\n", word[1]);
	CALL(syscall(SYS_futex, word, FUTEX_WAKE_OP, 1, 1, word + 1, FUTEX_OP(7, 3, 0, 0)));
	CALL(syscall(SYS_futex, word, 99, 1, 1, word + 1, 0));
	CALL(syscall(SYS_futex, word + 2, FUTEX_LOCK_PI, 0, NULL));
	SAY("  %d\n", word[2] == syscall(SYS_gettid));
	CALL(syscall(SYS_futex, word + 2, FUTEX_LOCK_PI, 0, NULL));
	CALL(syscall(SYS_futex, word + 2, FUTEX_TRYLOCK_PI, 0, NULL));
	CALL(syscall(SYS_futex, word + 2, FUTEX_UNLOCK_PI, 0, NULL));
	CALL(syscall(SYS_futex, word + 2, FUTEX_UNLOCK_PI, 0, NULL));
	int *shared = mmap(NULL, 4096, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork() == 0) {
		usleep(10000);
		*shared = 1;
		for (int n = 0; n < 1000 && !syscall(SYS_futex, shared, FUTEX_WAKE, 1); n++)
			usleep(1000);
		_exit(0);
	}
	while (!*shared)
		syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL);
	SAY("  woken %d\n", *shared);
	kill(0, 0);
	wait(NULL);
	CALL(syscall(SYS_set_robust_list, word, 1L));
	CALL(syscall(SYS_get_robust_list, 1 << 21, word, word));
	CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0);
	CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
	CALL(syscall(SYS_membarrier, 1 << 30, 0, 0));
	CALL(syscall(SYS_membarrier, 1, 99, 0));
}

static void memory(void)
{
	int file = made("made", "0123456789");
	ftruncate(file, 10000);
	char *page = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), *moved;
	unsigned char present[8];
	CALL(page == MAP_FAILED ? -1 : memcmp(page, "01234", 5));
	page[4] = 'x';
	CALL(msync(page, 12288, MS_SYNC));
	CALL(msync(page, 4096, MS_SYNC | MS_ASYNC));
	CALL(msync(page + 1, 4096, MS_SYNC));
	CALL(pread(file, text, 6, 0));
	same("map", text, 6);
	CALL((long)mmap(NULL, 4096, 1, MAP_PRIVATE, file, 5));
	CALL((long)mmap(NULL, 0, 1, MAP_PRIVATE, file, 0));
	CALL((long)mmap(NULL, 4096, 1, 0, file, 0));
	CALL((long)mmap(NULL, 4096, 1, MAP_PRIVATE, 99, 0));
	CALL((long)mmap((void *)4097, 4096, 1, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
	int reading = open("made", O_RDONLY), writing = open("made", O_WRONLY);
	CALL((long)mmap(NULL, 4096, 3, MAP_SHARED, reading, 0));
	CALL((long)mmap(NULL, 4096, 1, MAP_SHARED, writing, 0));
	CALL(mmap(NULL, 4096, 3, MAP_PRIVATE, reading, 0) == MAP_FAILED ? -1 : 0);
	char *shown = mmap(NULL, 4096, 1, MAP_SHARED, reading, 0);
	CALL(mprotect(shown, 4096, PROT_READ | PROT_WRITE));
	CALL(mprotect(shown + 1, 4096, PROT_READ));
	CALL(mprotect(shown, 4096, 0x999));
	CALL(mprotect(BAD, 0, PROT_READ));
	CALL(munmap(page, 12288));
	CALL(munmap(page, 12288));
	CALL(munmap(page + 5, 4096));
	CALL(munmap(page, 0));
	CALL(mprotect(page, 0x1000, PROT_READ));
	char *area = mmap(NULL, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(area + 0x2000, "kept");
	CALL(mremap(area, 0x3000, 0x20000, 0x99) == MAP_FAILED ? -1 : 0);
	CALL(mremap(area, 0x3000, 0, 0) == MAP_FAILED ? -1 : 0);
	CALL(mremap(area + 1, 0x1000, 0x2000, 1) == MAP_FAILED ? -1 : 0);
	CALL(mremap(area, 0x3000, 0x1000, MREMAP_FIXED, area) == MAP_FAILED ? -1 : 0);
	moved = mremap(area, 0x3000, 0x20000, MREMAP_MAYMOVE);
	SAY("  mremap %s %d\n", moved + 0x2000, moved[0x1ffff]);
	CALL(mremap(moved, 0x20000, 0x4000, 0) == moved);
	CALL(madvise(moved, 0x4000, MADV_DONTNEED) ? -1 : moved[0x2000]);
	CALL(madvise(moved, 0x4000, 999));
	CALL(madvise(moved + 1, 0x4000, MADV_DONTNEED));
	CALL(madvise(moved + 0x10000, 0x1000, MADV_DONTNEED));
	CALL(madvise(moved, 0x4000, MADV_WILLNEED));
	moved[0] = 1;
	CALL(mincore(moved, 0x1000, present) ? -1 : present[0] & 1);
	CALL(mincore(moved + 1, 0x1000, present));
	CALL(mincore(moved, 0x1000, BAD));
	CALL(mincore(moved + 0x10000, 0x1000, present));
	CALL(mlock(moved, 0x1000));
	CALL(munlock(moved, 0x1000));
	CALL(mlock(moved + 0x10000, 0x1000));
	CALL(mlockall(99));
	CALL(munlockall());
	CALL((long)mmap(moved, 4096, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	CALL(mmap(moved, 4096, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == moved);
	CALL(moved[0]);
	CALL(read(file, moved, 10));
	CALL(write(file, moved, 5000) > 0);
	void *now = sbrk(0);
	CALL(sbrk(1 << 20) == now);
	CALL(sbrk(0) == (char *)now + (1 << 20));
	CALL(brk(now));
	char from[8] = "abcdefg", into[8] = "";
	struct iovec local = { into, 4 }, remote[2] = { { from + 2, 4 }, { BAD, 4 } };
	CALL(process_vm_readv(getpid(), &local, 1, remote, 1, 0));
	same("read", into, 4);
	CALL(process_vm_writev(getpid(), &local, 1, remote, 1, 0));
	CALL(process_vm_readv(getpid(), &local, 1, remote + 1, 1, 0));
	CALL(process_vm_readv(getpid(), &local, 1, remote, 1, 9));
	CALL(process_vm_readv(1 << 21, &local, 1, remote, 1, 0));
	CALL(process_vm_readv(getpid(), BAD, 1, remote, 1, 0));
	CALL(process_vm_readv(getpid(), &local, 0, remote, 1, 0));
	CALL(syscall(SYS_write, 1, (void *)8, 5L));
	CALL(syscall(SYS_uname, (void *)-16L));
	CALL(syscall(SYS_pipe, NULL));
	CALL(syscall(9999, 0));
	unlink("made");
}

static void process(void)
{
	struct rlimit limit;
	struct rusage usage;
	struct sysinfo info;
	struct utsname name;
	char short_name[17] = "";
	CALL(getrlimit(RLIMIT_CORE, &limit));
	limit.rlim_cur = 4096, limit.rlim_max = 8192;
	CALL(setrlimit(RLIMIT_CORE, &limit));
	limit.rlim_cur = 9000;
	CALL(setrlimit(RLIMIT_CORE, &limit));
	CALL(getrlimit(RLIMIT_CORE, &limit));
	SAY("  %llu %llu\n", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
	CALL(getrlimit(99, &limit));
	CALL(getrlimit(RLIMIT_CORE, BAD));
	CALL(syscall(SYS_prlimit64, getpid(), 99, NULL, NULL));
	CALL(syscall(SYS_prlimit64, 1 << 21, RLIMIT_CORE, NULL, NULL));
	if (fork() == 0) {
		limit.rlim_cur = limit.rlim_max = 200;
		CALL(setrlimit(RLIMIT_NOFILE, &limit));
		CALL(dup2(1, 199));
		CALL(dup2(1, 200));
		CALL(fcntl(1, F_DUPFD, 200));
		CALL(fcntl(1, F_DUPFD, 199));
		limit.rlim_cur = limit.rlim_max = 0;
		CALL(getrlimit(RLIMIT_NOFILE, &limit) ? -1 : limit.rlim_cur);
		CALL(sysconf(_SC_OPEN_MAX));
		exit(0);
	}
	wait(NULL);
	CALL(getrusage(RUSAGE_SELF, &usage));
	SAY("  %d %d\n", usage.ru_utime.tv_sec < 100, usage.ru_maxrss > 0);
	CALL(getrusage(99, &usage));
	CALL(sysinfo(&info));
	unsigned long long total = (unsigned long long)info.totalram * info.mem_unit;
	SAY("  %d %d %d\n", info.uptime > 0, total == 4096ULL * sysconf(_SC_PHYS_PAGES), info.procs > 0);
	CALL(uname(&name) ? -1 : strcmp(name.sysname, "Linux"));
	CALL(getrandom(text, 20, 0));
	CALL(getrandom(text, 20, 99));
	CALL(getrandom(BAD, 20, GRND_NONBLOCK));
	CALL(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	CALL(prctl(PR_GET_NAME, short_name));
	SAY("  %s\n", short_name);
	CALL(prctl(PR_GET_DUMPABLE));
	CALL(prctl(PR_SET_DUMPABLE, 0));
	CALL(prctl(PR_GET_DUMPABLE));
	CALL(prctl(PR_SET_DUMPABLE, 7));
	CALL(prctl(PR_SET_DUMPABLE, 1));
	CALL(prctl(PR_SET_PDEATHSIG, SIGTERM));
	int number = 0;
	CALL(prctl(PR_GET_PDEATHSIG, &number) ? -1 : number);
	CALL(prctl(PR_SET_PDEATHSIG, 99));
	CALL(prctl(PR_SET_PDEATHSIG, 0));
	CALL(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CALL(prctl(PR_GET_CHILD_SUBREAPER, &number) ? -1 : number);
	CALL(prctl(PR_SET_CHILD_SUBREAPER, 0));
	CALL(prctl(PR_GET_KEEPCAPS));
	CALL(prctl(PR_GET_TIMERSLACK) > 0);
	CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CALL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CALL(prctl(99999));
	CALL(personality(0xffffffff) >= 0);
	CALL(getpriority(PRIO_PROCESS, 0));
	CALL(getpriority(99, 0));
	CALL(getpriority(PRIO_PROCESS, 1 << 21));
	CALL(setpriority(PRIO_PROCESS, 0, 3));
	CALL(getpriority(PRIO_PROCESS, 0));
	CALL(getgroups(-1, NULL));
	uid_t r, e, s;
	CALL(getresuid(&r, &e, &s) ? -1 : r == getuid() && e == geteuid());
	CALL(getresuid(&r, BAD, &s));
	CALL(getpgrp() == getpgid(0));
	CALL(umask(077));
	CALL(umask(0777777));
	CALL(umask(022));
}

/* The line of a file in /proc that begins with a word. */
static char *line_of(const char *path, const char *word)
{
	static char line[1024];
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, word, strlen(word))) {
			fclose(file);
			line[strcspn(line, "\n")] = 0;
			return line;
		}
	return "none";
}

static void proc(void)
{
	char path[64], link[PATH_MAX] = "";
	int file = made("made", "x"), number;
	SAY("  %s\n", line_of("/proc/self/status", "Threads:"));
	SAY("  %d\n", sscanf(line_of("/proc/self/status", "Pid:"), "Pid:\t%d", &number) == 1 && number == getpid());
	SAY("  %d\n", sscanf(line_of("/proc/self/status", "PPid:"), "PPid:\t%d", &number) == 1 && number == getppid());
	SAY("  %d\n", sscanf(line_of("/proc/self/status", "Uid:"), "Uid:\t%d", &number) == 1 && number == (int)getuid());
	SAY("  %s\n", line_of("/proc/self/status", "State:"));
	SAY("  %.6s\n", line_of("/proc/self/status", "SigBlk:"));
	SAY("  %.6s\n", line_of("/proc/self/status", "VmRSS:"));
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SAY("  %s\n", line_of("/proc/self/status", "SigBlk:"));
	sprintf(path, "/proc/self/fd/%d", file);
	CALL(readlink(path, link, sizeof link) > 0 && !strcmp(strrchr(link, '/'), "/made"));
	CALL(readlink("/proc/self/fd/99", link, sizeof link));
	CALL(readlink("/proc/self", link, sizeof link) > 0 && atoi(link) == getpid());
	CALL(readlink("/proc/self/exe", link, sizeof link) > 0);
	CALL(readlink("/proc/self/root", link, sizeof link));
	CALL(readlink("/proc/self/nothing", link, sizeof link));
	CALL(open("/proc/self/nothing", O_RDONLY));
	CALL(open("/proc/self/maps", O_RDONLY | O_DIRECTORY));
	CALL(open("/proc/1048577/maps", O_RDONLY));
	int words[4] = { 0 }, stack = 0, heap = 0, here = 0;
	char line[1024], kinds[8];
	unsigned long start, end;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps)) {
		stack += strstr(line, "[stack]") != NULL, heap += strstr(line, "[heap]") != NULL;
		if (sscanf(line, "%lx-%lx %7s", &start, &end, kinds) == 3 && (uintptr_t)proc >= start
		    && (uintptr_t)proc < end)
			here += !strcmp(kinds, "r-xp");
	}
	SAY("  stack %d heap %d code %d\n", stack, heap > 0, here);
	int auxv = open("/proc/self/auxv", O_RDONLY);
	unsigned long pair[2], page_size = 0;
	while (read(auxv, pair, sizeof pair) == sizeof pair && pair[0])
		page_size = pair[0] == 6 ? pair[1] : page_size;
	SAY("  page size %lu\n", page_size);
	FILE *stat_file = fopen("/proc/self/stat", "r");
	CALL(fscanf(stat_file, "%d (%*[^)]) %c %d", words, link, words + 1));
	SAY("  %d %c %d\n", words[0] == getpid(), link[0], words[1] == getppid());
	int command = open("/proc/self/cmdline", O_RDONLY);
	CALL(read(command, link, sizeof link) > 0);
	CALL(lseek(command, 0, SEEK_SET));
	CALL(open("/proc/self/comm", O_RDONLY) > 0);
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;
	for (struct dirent *d; (d = readdir(tasks));)
		count += d->d_name[0] != '.';
	SAY("  tasks %d\n", count);
	sprintf(path, "/proc/self/fdinfo/%d", file);
	CALL(lseek(file, 1, SEEK_SET));
	SAY("  %s\n", line_of(path, "pos:"));
	CALL(access("/proc/self/fd", F_OK));
	CALL(access("/proc/meminfo", R_OK));
	CALL(access("/proc/cpuinfo", R_OK));
	CALL(access("/proc/sys/kernel/pid_max", R_OK));
	CALL(access("/proc/sys/vm/overcommit_memory", R_OK));
	CALL(access("/dev/null", R_OK | W_OK));
	CALL(access("/dev/zero", R_OK));
	CALL(access("/dev/urandom", R_OK));
	CALL(unlink("/proc/self/comm"));
	CALL(mkdir("/proc/x", 0700));
	unlink("made");
}
