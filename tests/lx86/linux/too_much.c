/* More than a host has, and what there is not: what each is answered with. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, PIECES = 1024 };
static const int is_long = sizeof(long) == 8;

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result == -1 ? strerrorname_np(errno) : "done");
}

static void *reserve(size_t length, int protection)
{
	return mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void send_it(int kind, const char *what)
{
	size_t length = is_long ? (size_t)1 << 20 << 20 : 1 << 30;
	char *much = reserve(length, PROT_READ);
	struct iovec pieces[PIECES];
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = PIECES };
	int ends[2];
	for (int n = 0; n < PIECES; n++)
		pieces[n] = (struct iovec){ much, length / PIECES };
	socketpair(AF_UNIX, kind, 0, ends);
	printf("%s ", what);
	say("sendto", sendto(ends[0], much, length, MSG_DONTWAIT, NULL, 0));
	socketpair(AF_UNIX, kind, 0, ends);
	printf("%s ", what);
	say("sendmsg", sendmsg(ends[0], &message, MSG_DONTWAIT));
	munmap(much, length);
}

static void map_sparse(void)
{
	long long size = is_long ? 1ll << 20 << 20 : 1 << 30;
	int file = open("sparse", O_RDWR | O_CREAT, 0600);
	say("ftruncate", syscall(is_long ? SYS_ftruncate : 194, file, (long)size, 0));
	pwrite(file, "here", 4, size - PAGE);
	pwrite(file, "there", 5, 5 * PAGE - 2);
	char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
	printf("sparse %d%s%s\n", map[PAGE], map + size - PAGE, map + 5 * PAGE - 2);
	unlink("sparse");
}

static void move_both_kinds(void)
{
	int file = memfd_create("short", 0);
	ftruncate(file, PAGE);
	char *map = reserve(3 * PAGE, PROT_READ | PROT_WRITE), *to = reserve(3 * PAGE, PROT_NONE);
	mmap(map + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
	say("mremap", (long)mremap(map, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

static void split(void)
{
	enum { MOST = 70000 };
	char *map = reserve(MOST * PAGE, PROT_READ | PROT_WRITE);
	long n = 0;
	while (n < MOST && !mprotect(map + n * PAGE, PAGE, PROT_READ))
		n += 2;
	printf("%ld ", n / 10000);
	say("mprotect", -1);
	say("munmap within", munmap(map + (MOST - 10) * PAGE, PAGE));
	say("mmap", (long)reserve(PAGE, PROT_READ) == -1 ? -1 : 0);
	say("munmap", munmap(map, MOST * PAGE));
	say("mmap", (long)reserve(PAGE, PROT_READ) == -1 ? -1 : 0);
}

int main(void)
{
	static const char *const names[] = { "fd/abc", "fd/-1", "fd/1/x", "fd/99999999999999999999", "fdinfo/x", "task/x/stat" };
	for (unsigned n = 0; n < sizeof names / sizeof *names; n++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/%s", names[n]);
		say(names[n], open(path, O_RDWR | O_CREAT, 0600));
		say(names[n], access(path, F_OK));
	}
	send_it(SOCK_DGRAM, "datagram");
	send_it(SOCK_STREAM, "stream");
	map_sparse();
	move_both_kinds();
	if (!is_long)
		split();
	return 42;
}
