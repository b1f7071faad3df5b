/* What system calls say to a program, good and bad ones: the same on every kernel, in 32 bits and 64.
   It works in the current directory; arguments name the sections to do, all of them without. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define SAY(...) (printf(__VA_ARGS__), fflush(stdout))
#define BAD ((void *)16)

/* A call, its result and its error, after it was made. */
#define CALL(call) \
	do { \
		errno = 0; \
		long long result_ = (call); \
		const char *error_ = result_ == -1 ? strerrorname_np(errno) : ""; \
		SAY("%s: %lld %s\n", #call, result_, error_ ? error_ : "?"); \
	} while (0)
/* Of a descriptor, an address or a number that is another each time: whether there is one. */
#define MADE(call) CALL((call) < 0 ? -1 : 1)

static char text[256];

static void same(const char *what, const void *data, int length)
{
	SAY("  %s \"%.*s\"\n", what, length, (const char *)data);
}

static int made(const char *name, const char *content)
{
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0640);
	if (write(file, content, strlen(content)) < 0)
		abort();
	lseek(file, 0, SEEK_SET);
	return file;
}

static void opening(void)
{
	struct stat s;
	umask(022);
	CALL(open("nothing", O_RDONLY));
	CALL(open("", O_RDONLY));
	CALL(open(BAD, O_RDONLY));
	CALL(open(".", O_WRONLY));
	CALL(open(".", O_RDWR | O_CREAT, 0600));
	CALL(open("made/", O_RDWR | O_CREAT, 0600));
	MADE(open("made", O_RDWR | O_CREAT | O_EXCL, 0666));
	CALL(open("made", O_RDWR | O_CREAT | O_EXCL, 0666));
	CALL(open("made/below", O_RDONLY));
	CALL(open("made", O_RDONLY | O_DIRECTORY));
	stat("made", &s);
	SAY("  mode %o links %d size %d\n", s.st_mode, (int)s.st_nlink, (int)s.st_size);
	CALL(symlink("made", "link"));
	CALL(symlink("round", "round"));
	CALL(symlink("made", "link"));
	CALL(open("link", O_RDONLY | O_NOFOLLOW));
	CALL(open("round", O_RDONLY));
	CALL(open("round/x", O_RDONLY));
	memset(text, 'n', 256);
	text[255] = 0;
	CALL(open(text, O_RDONLY) < 0 ? -1 : 0);
	static char path[5000];
	memset(path, '/', 4999);
	CALL(open(path, O_RDONLY));
	int file = open("made", O_WRONLY | O_APPEND);
	CALL(write(file, "abc", 3));
	CALL(lseek(file, 0, SEEK_SET));
	CALL(write(file, "def", 3));
	CALL(lseek(file, 0, SEEK_CUR));
	CALL(read(file, text, 1));
	CALL(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	CALL(fcntl(file, F_SETFL, O_NONBLOCK));
	CALL(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	close(file);
	int place = open("made", O_PATH);
	CALL(read(place, text, 1));
	CALL(write(place, text, 1));
	CALL(fchmod(place, 0600));
	CALL(fstat(place, &s));
	CALL(ioctl(place, FIONREAD, &file));
	CALL(fcntl(place, F_GETFL) & O_PATH ? 1 : 0);
	CALL(ftruncate(place, 0));
	CALL(lseek(place, 0, SEEK_SET));
	CALL(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, place, 0) == MAP_FAILED ? -1 : 0);
	CALL(openat(place, "x", O_RDONLY));
	CALL(openat(-1, "x", O_RDONLY));
	CALL(openat(999, "x", O_RDONLY));
	CALL(close(place));
	CALL(close(place));
	CALL(close(-1));
	int directory = open(".", O_RDONLY | O_DIRECTORY);
	MADE(openat(directory, "made", O_RDONLY));
	CALL(read(directory, text, 1));
	CALL(write(directory, text, 1));
	int hidden = open(".", O_TMPFILE | O_RDWR, 0600);
	CALL(hidden < 0 ? -1 : write(hidden, "hidden", 6));
	CALL(fstat(hidden, &s) ? -1 : (int)s.st_nlink);
	CALL(faccessat(directory, "made", R_OK, 0));
	CALL(access("made", F_OK));
	CALL(access("nothing", F_OK));
	CALL(syscall(SYS_access, "made", 8));
	CALL(syscall(SYS_open, "made", O_RDONLY | 0x80000000 | 3, 0) < 0 ? -1 : 0);
	CALL(creat("made", 0600) < 0 ? -1 : 0);
	stat("made", &s);
	SAY("  size %d mode %o\n", (int)s.st_size, s.st_mode);
	unlink("link"), unlink("round"), unlink("made");
	CALL(close(directory));
}

static void transfers(void)
{
	int file = made("made", "0123456789abcdef"), out = made("out", ""), ends[2];
	struct iovec parts[3] = { { text, 3 }, { text + 8, 2 }, { text + 16, 0 } };
	memset(text, 0, sizeof text);
	CALL(preadv(file, parts, 3, 4));
	SAY("  %s %s\n", text, text + 8);
	CALL(preadv(file, parts, -1, 4));
	CALL(preadv(file, parts, 1025, 4));
	CALL(preadv(file, parts, 1, -4));
	CALL(syscall(SYS_preadv2, file, parts, 2L, 4L, 0L, 0L));
	CALL(readv(file, BAD, 1));
	CALL(readv(file, parts, 0));
	CALL(read(file, BAD, 4));
	CALL(read(file, BAD, 0));
	CALL(read(file, text, 100));
	CALL(read(file, text, 100));
	parts[1].iov_base = BAD;
	CALL(writev(out, parts, 2));
	CALL(pwritev(out, parts, 1, 7));
	CALL(pwrite(out, "zz", 2, -1));
	CALL(pread(out, text, 9, 5));
	CALL(lseek(out, -1, SEEK_SET));
	CALL(lseek(out, 0, 9));
	CALL(lseek(out, 6LL << 32, SEEK_SET));
	CALL(ftruncate(out, 5LL << 32));
	CALL(ftruncate(out, -1));
	CALL(truncate("nothing", 1));
	CALL(truncate(".", 1));
	CALL(lseek(out, 0, SEEK_END));
	CALL(lseek(out, 0, SEEK_DATA));
	CALL(lseek(out, 0, SEEK_HOLE) > 0);
	CALL(lseek(out, 9LL << 32, SEEK_DATA));
	CALL(ftruncate(out, 4));
	lseek(out, 0, SEEK_SET);
	off_t from = 2, to = 1;
	CALL(sendfile(out, file, &from, 5));
	SAY("  from %lld\n", (long long)from);
	CALL(sendfile(out, file, BAD, 5));
	from = -1;
	CALL(sendfile(out, file, &from, 5));
	CALL(sendfile(-1, file, NULL, 5));
	loff_t one = 3, two = 1;
	CALL(copy_file_range(file, &one, out, &two, 4, 0));
	SAY("  %lld %lld\n", (long long)one, (long long)two);
	CALL(copy_file_range(file, &one, out, &two, 4, 1));
	CALL(copy_file_range(file, NULL, 99, NULL, 4, 0));
	pread(out, text, 7, 0);
	same("out", text, 7);
	CALL(pipe2(ends, 0x1234567));
	CALL(pipe2(BAD, 0));
	CALL(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
	CALL(fcntl(ends[0], F_GETFD));
	CALL(fcntl(ends[0], F_GETFL) == O_NONBLOCK);
	CALL(read(ends[0], text, 4));
	CALL(lseek(ends[0], 0, SEEK_CUR));
	CALL(pread(ends[0], text, 1, 0));
	CALL(read(ends[1], text, 1));
	CALL(fcntl(ends[1], F_SETPIPE_SZ, 4096));
	static char much[20000];
	CALL(write(ends[1], much, 20000));
	CALL(write(ends[1], much, 1));
	CALL(ioctl(ends[0], FIONREAD, text) ? -1 : *(int *)text);
	CALL(read(ends[0], much, 20000));
	one = 1;
	CALL(splice(file, &one, ends[1], NULL, 5, 0));
	CALL(splice(file, &one, out, &two, 5, 0));
	CALL(splice(ends[0], &one, out, &two, 5, 0));
	int more[2];
	pipe(more);
	CALL(tee(ends[0], more[1], 3, 0));
	CALL(splice(ends[0], NULL, out, &two, 100, 0));
	SAY("  %lld %lld\n", (long long)one, (long long)two);
	CALL(read(more[0], text, 10));
	same("tee", text, 3);
	parts[0] = (struct iovec){ "mapped", 6 };
	CALL(vmsplice(more[1], parts, 1, 0));
	CALL(read(more[0], text, 10));
	close(more[0]);
	signal(SIGPIPE, SIG_IGN);
	CALL(write(more[1], "x", 1));
	signal(SIGPIPE, SIG_DFL);
	CALL(dup2(ends[0], 40));
	CALL(dup3(ends[0], 41, O_CLOEXEC));
	CALL(dup3(ends[0], ends[0], 0));
	CALL(dup3(ends[0], 41, 0x800000));
	CALL(dup2(77, 40));
	CALL(dup2(ends[0], -3));
	CALL(dup2(40, 40));
	CALL(fcntl(40, F_DUPFD, 50));
	CALL(fcntl(40, F_DUPFD_CLOEXEC, 51));
	CALL(fcntl(51, F_GETFD));
	CALL(fcntl(51, F_SETFD, 0));
	CALL(fcntl(51, F_GETFD));
	CALL(fcntl(40, F_DUPFD, -1));
	CALL(fcntl(40, 999, 0));
	CALL(fcntl(77, F_GETFD));
	CALL(syscall(436, 40, 60, 0));
	CALL(syscall(436, 60, 40, 0));
	CALL(fcntl(40, F_GETFD));
	CALL(fallocate(file, 0, 0, 100));
	CALL(fallocate(file, 0, 0, 0));
	CALL(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	CALL(fallocate(ends[0], 0, 0, 4));
	CALL(posix_fadvise(file, 0, 0, 99));
	CALL(posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED));
	CALL(posix_fadvise(ends[0], 0, 0, 0));
	CALL(fsync(file));
	CALL(fdatasync(ends[0]));
	CALL(fsync(-1));
	CALL(sync_file_range(file, 0, 10, SYNC_FILE_RANGE_WRITE));
	CALL(sync_file_range(file, -1, 10, SYNC_FILE_RANGE_WRITE));
	CALL(readahead(file, 0, 10));
	CALL(readahead(ends[0], 0, 10));
	unlink("made"), unlink("out");
}

static void names(void)
{
	struct stat s;
	struct statx x;
	struct statfs f;
	int file = made("made", "0123456789"), directory;
	struct timespec times[2] = { { 1000000001, 5 }, { 1234567890, 987654321 } };
	CALL(utimensat(AT_FDCWD, "made", times, 0));
	fstat(file, &s);
	SAY("  mode %o links %d size %lld blksize %ld atime %lld.%ld mtime %lld.%ld\n", s.st_mode,
	    (int)s.st_nlink, (long long)s.st_size, (long)s.st_blksize, (long long)s.st_atim.tv_sec,
	    s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
	times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = 1000000000;
	CALL(utimensat(AT_FDCWD, "made", times, 0));
	times[1].tv_nsec = UTIME_NOW;
	CALL(futimens(file, times));
	CALL(fstat(file, &s) ? -1 : s.st_atim.tv_sec == 1000000001 && s.st_mtim.tv_sec > 1600000000);
	CALL(utimensat(AT_FDCWD, "nothing", times, 0));
	CALL(utimensat(AT_FDCWD, "made", times, 4));
	struct timeval old[2] = { { 77, 500000 }, { 88, 250000 } };
	CALL(utimes("made", old));
	old[0].tv_usec = 1000000;
	CALL(utimes("made", old));
	CALL(statx(AT_FDCWD, "made", 0, STATX_BASIC_STATS, &x));
	SAY("  %o %llu %lld.%u %d\n", x.stx_mode, (unsigned long long)x.stx_size,
	    (long long)x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec, x.stx_ino == s.st_ino);
	CALL(statx(file, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	CALL(statx(file, "", 0, STATX_SIZE, &x));
	CALL(statx(AT_FDCWD, "made", 0x6000, STATX_SIZE, &x));
	CALL(statx(AT_FDCWD, "made", 0, 0x80000000, &x));
	CALL(statx(AT_FDCWD, "made", 0, STATX_SIZE, BAD));
	CALL(statx(AT_FDCWD, "made", 0x10, STATX_SIZE, &x));
	CALL(fstatat(AT_FDCWD, "made", &s, 0x10));
	CALL(stat(BAD, &s));
	CALL(lstat("nothing", &s));
	CALL(statfs(".", &f) ? -1 : f.f_namelen);
	CALL(statfs("nothing", &f));
	CALL(link("made", "second"));
	CALL(link("made", "second"));
	CALL(link("nothing", "third"));
	CALL(link(".", "third"));
	CALL(linkat(file, "", AT_FDCWD, "third", 0));
	CALL(linkat(AT_FDCWD, "made", AT_FDCWD, "third", 0x10));
	CALL(fstat(file, &s) ? -1 : (int)s.st_nlink);
	CALL(mkdir("below", 0777));
	CALL(mkdir("below", 0777));
	CALL(mkdir("nothing/below", 0777));
	CALL(mkdir(".", 0777));
	CALL(mkdir("/", 0777));
	CALL(mkdirat(file, "x", 0777));
	CALL(rename("made", "below"));
	CALL(rename("below", "made"));
	CALL(rename("nothing", "made"));
	CALL(rename("below", "below/in"));
	CALL(rename("made", "below/made"));
	CALL(rename(".", "below"));
	CALL(rmdir("below"));
	CALL(unlink("below"));
	CALL(rmdir("second"));
	CALL(rmdir("."));
	CALL(rmdir("below/.."));
	CALL(renameat2(AT_FDCWD, "second", AT_FDCWD, "below/made", RENAME_NOREPLACE));
	CALL(renameat2(AT_FDCWD, "second", AT_FDCWD, "below", RENAME_EXCHANGE));
	CALL(renameat2(AT_FDCWD, "second", AT_FDCWD, "below", 99));
	CALL(renameat2(AT_FDCWD, "second", AT_FDCWD, "below", RENAME_EXCHANGE));
	CALL(unlinkat(AT_FDCWD, "below", AT_REMOVEDIR));
	CALL(unlinkat(AT_FDCWD, "below", 1));
	CALL(unlinkat(AT_FDCWD, "nothing", 0));
	CALL(unlink("second/"));
	CALL(symlink("made", "below/link"));
	CALL(symlink("", "below/empty"));
	CALL(readlink("below/link", text, 2));
	same("link", text, 2);
	CALL(readlink("below/made", text, 2));
	CALL(readlink("below/link", text, 0));
	CALL(readlink("below/link", BAD, 9));
	CALL(chmod("below/link", 04711));
	CALL(stat("below/made", &s) ? -1 : s.st_mode);
	CALL(chmod("nothing", 0));
	CALL(fchmodat(AT_FDCWD, "below/made", 0600, 0));
	CALL(syscall(SYS_fchmodat, 55, "x", 0600));
	CALL(chown("below/made", -1, -1));
	CALL(lchown("nothing", -1, -1));
	CALL(fchownat(AT_FDCWD, "below/made", -1, -1, 0x10));
	CALL(mkfifo("fifo", 0640));
	CALL(open("fifo", O_WRONLY | O_NONBLOCK));
	MADE(open("fifo", O_RDONLY | O_NONBLOCK));
	CALL(stat("fifo", &s) ? -1 : s.st_mode);
	CALL(mknod("fifo", S_IFREG | 0600, 0));
	CALL(mknod("node", 0170000, 0));
	CALL(mknod("node", 0, 0));
	CALL(chdir("below"));
	CALL(getcwd(text, 256) ? strcmp(strrchr(text, '/'), "/below") : -1);
	CALL(syscall(SYS_getcwd, text, 2));
	CALL(syscall(SYS_getcwd, BAD, 200) == -1 ? -1 : 0);
	CALL(chdir("made"));
	CALL(chdir(".."));
	CALL(fchdir(file));
	CALL(fchdir(88));
	directory = open("below", O_RDONLY);
	char entries[4096];
	long got = syscall(SYS_getdents64, directory, entries, sizeof entries);
	int found = 0, kinds = 0;
	for (long at = 0; at < got; at += *(unsigned short *)(entries + at + 16))
		found++, kinds += entries[at + 18];
	SAY("  entries %d kinds %d\n", found, kinds);
	CALL(syscall(SYS_getdents64, directory, entries, sizeof entries));
	lseek(directory, 0, SEEK_SET);
	CALL(syscall(SYS_getdents64, directory, entries, 10));
	CALL(syscall(SYS_getdents64, directory, BAD, 1000));
	CALL(syscall(SYS_getdents64, file, entries, sizeof entries));
	CALL(syscall(SYS_getdents, directory, entries, sizeof entries) > 0);
	CALL(rename("below", "second"));
	CALL(unlink("third"));
	CALL(setxattr("node", "user.one", "value", 5, 0));
	CALL(setxattr("node", "user.one", "v", 1, XATTR_CREATE));
	CALL(setxattr("node", "user.two", "v", 1, XATTR_REPLACE));
	CALL(setxattr("node", "user.two", "v", 1, 9));
	CALL(setxattr("node", "wrong", "v", 1, 0));
	CALL(setxattr("node", "", "v", 1, 0));
	CALL(getxattr("node", "user.one", text, 256));
	CALL(getxattr("node", "user.one", text, 2));
	CALL(getxattr("node", "user.one", NULL, 0));
	CALL(getxattr("node", "user.three", text, 2));
	CALL(getxattr("node", BAD, text, 2));
	CALL(listxattr("node", text, 256));
	CALL(listxattr("node", text, 1));
	CALL(removexattr("node", "user.one"));
	CALL(removexattr("node", "user.one"));
	CALL(fsetxattr(file, "user.three", "", 0, 0));
	CALL(flistxattr(file, NULL, 0));
	CALL(fremovexattr(file, "user.three"));
	CALL(lsetxattr("nothing", "user.one", "", 0, 0));
	CALL(lgetxattr("below/link", "user.one", text, 1));
	unlink("below/link"), unlink("below/made"), unlink("second/link"), unlink("second/made");
	rmdir("second"), rmdir("below"), unlink("fifo"), unlink("node");
}

static void locks(void)
{
	int file = made("made", "0123456789"), other = open("made", O_RDWR), ends[2];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3LL << 33, .l_len = 7 };
	CALL(fcntl(file, F_SETLK, &lock));
	if (fork() == 0) {
		lock.l_type = F_RDLCK;
		CALL(fcntl(file, F_GETLK, &lock));
		SAY("  has %d from %lld for %lld by its parent %d\n", lock.l_type, (long long)lock.l_start,
		    (long long)lock.l_len, lock.l_pid == getppid());
		lock.l_type = F_WRLCK;
		CALL(fcntl(file, F_SETLK, &lock));
		exit(0);
	}
	wait(NULL);
	lock.l_type = 7;
	CALL(fcntl(file, F_SETLK, &lock));
	lock.l_type = F_WRLCK, lock.l_start = -1;
	CALL(fcntl(file, F_SETLK, &lock));
	CALL(fcntl(file, F_SETLK, BAD));
	CALL(fcntl(99, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_WRLCK, .l_len = 5 };
	CALL(fcntl(file, F_OFD_SETLK, &lock));
	CALL(fcntl(other, F_OFD_SETLK, &lock));
	CALL(fcntl(other, F_OFD_GETLK, &lock));
	SAY("  %d %lld %lld %d\n", lock.l_type, (long long)lock.l_start, (long long)lock.l_len, lock.l_pid);
	lock.l_pid = 5;
	CALL(fcntl(file, F_OFD_SETLK, &lock));
	lock.l_pid = 0, lock.l_type = F_UNLCK;
	CALL(fcntl(file, F_OFD_SETLK, &lock));
	pipe(ends);
	lock = (struct flock){ .l_type = F_WRLCK };
	CALL(fcntl(file, F_SETLK, &lock));
	pid_t child = fork();
	if (child == 0) {
		write(ends[1], "x", 1);
		exit(fcntl(other, F_SETLKW, &lock) ? errno : 33);
	}
	read(ends[0], text, 1);
	usleep(20000);
	lock.l_type = F_UNLCK;
	fcntl(file, F_SETLK, &lock);
	int status;
	waitpid(child, &status, 0);
	SAY("  waited for a lock: %d\n", WEXITSTATUS(status));
	CALL(flock(file, LOCK_EX));
	CALL(flock(other, LOCK_SH | LOCK_NB));
	CALL(flock(file, LOCK_SH));
	CALL(flock(other, LOCK_SH | LOCK_NB));
	CALL(flock(other, LOCK_UN));
	CALL(flock(other, 99));
	CALL(flock(-1, LOCK_SH));
	CALL(lockf(file, F_LOCK, 3));
	unlink("made");
}

#include "calls_waiting.h"
#include "calls_process.h"

static const struct {
	const char *name;
	void (*body)(void);
} sections[] = {
	{ "opening", opening }, { "transfers", transfers }, { "names", names }, { "locks", locks },
	{ "polling", polling }, { "files", special_files }, { "sockets", sockets },
	{ "messages", messages }, { "inet", inet }, { "clocks", clocks }, { "signals", signals },
	{ "queued", queued }, { "children", children }, { "futexes", futexes }, { "memory", memory },
	{ "process", process }, { "scheduling", scheduling }, { "proc", proc },
};

int main(int count, char **wanted)
{
	for (unsigned n = 0; n < sizeof sections / sizeof *sections; n++)
		for (int w = count > 1 ? 1 : 0; w < count; w++)
			if (!w || !strcmp(wanted[w], sections[n].name)) {
				SAY("== %s\n", sections[n].name);
				sections[n].body();
			}
	return 7;
}
