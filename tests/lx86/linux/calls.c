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

#include "calls_files.h"
#include "calls_waiting.h"
#include "calls_signals.h"
#include "calls_process.h"
#include "calls_clocks.h"

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
