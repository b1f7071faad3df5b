/* Ways out of a root, and calls that would change the host: what each of them is answered with. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REFUSED(name, ...) \
	do { \
		long result = syscall(SYS_##name, __VA_ARGS__); \
		printf("%s %s\n", #name, result == -1 ? strerrorname_np(errno) : "DONE"); \
	} while (0)

static void reads(const char *path)
{
	char text[64] = "";
	int file = open(path, O_RDONLY);
	int length = file < 0 ? 0 : read(file, text, 63);
	printf("reads %s\n", length > 0 && strstr(text, "secret") ? "SECRET" : "nothing");
}

int main(int count, char **words)
{
	const char *secret = words[1];	/* the host's path of a file */
	int parent = atoi(words[2]);	/* a process of the host's with that file as descriptor 0 */
	char path[4096], area[256] = "";
	uint64_t how[3] = { 0, 0, 0 };
	struct iovec piece = { area, 8 };

	reads(secret);
	symlink(secret, "link");
	reads("link");
	snprintf(path, sizeof path, "../../../../../../../../../..%s", secret);
	reads(path);
	symlink(path, "up");
	reads("up");
	const char *ways[] = { "/proc/self/root", "/proc/1/root", "/proc/self/cwd/../../..", "/proc/self/task/self/root",
			       "/dev/fd/../../..", "/proc/self/fd/..", "/proc/thread-self/root" };
	for (unsigned n = 0; n < sizeof ways / sizeof *ways; n++) {
		snprintf(path, sizeof path, "%s%s", ways[n], secret);
		reads(path);
	}
	snprintf(path, sizeof path, "/proc/%d/fd/0", parent);
	reads(path);
	snprintf(path, sizeof path, "/proc/%d/root%s", parent, secret);
	reads(path);
	snprintf(path, sizeof path, "/proc/%d/cwd", parent);
	printf("reads %s\n", chdir(path) ? "nothing" : "SECRET");
	for (int n = 0; n < 1024; n++) {	/* descriptors that nobody gave us */
		snprintf(path, sizeof path, "/proc/self/fd/%d%s", n, secret);
		int file = open(path, O_RDONLY);
		if (file >= 0)
			printf("fd %d leads out\n", n);
	}
	mkdir("below", 0700);
	int directory = open("below", O_RDONLY | O_DIRECTORY);
	rename("below", "moved");
	snprintf(path, sizeof path, "../../../../../../..%s", secret);
	int file = openat(directory, path, O_RDONLY);
	printf("openat %s\n", file < 0 ? "nothing" : "SECRET");
	link(secret, "hard");
	reads("hard");
	int target = open("target", O_CREAT | O_RDWR, 0600);
	REFUSED(openat2, AT_FDCWD, secret, how, sizeof how);
	REFUSED(name_to_handle_at, AT_FDCWD, "/", area, area + 128, 0);
	REFUSED(open_by_handle_at, AT_FDCWD, area, O_RDONLY);
	REFUSED(mount, "none", "/", "tmpfs", 0, "");
	REFUSED(umount2, "/", 0);
	REFUSED(chroot, "/");
	REFUSED(pivot_root, "/", "/");
	REFUSED(ptrace, 16, parent, 0, 0);
	REFUSED(bpf, 0, area, 64);
	REFUSED(io_uring_setup, 8, area);
	REFUSED(io_uring_enter, 0, 1, 1, 0, 0, 0);
	REFUSED(io_uring_register, 0, 0, area, 1);
	REFUSED(keyctl, 0, -3, 1, 0, 0);
	REFUSED(add_key, "user", "x", "y", 1L, -3);
	REFUSED(unshare, 0x10000000);
	REFUSED(setns, directory, 0);
	REFUSED(perf_event_open, area, 0, -1, -1, 0L);
	REFUSED(userfaultfd, 0);
	REFUSED(kexec_load, 0L, 0L, area, 0L);
	REFUSED(init_module, area, 10L, "");
	REFUSED(reboot, 0xfee1dead, 672274793, 0, 0);
	REFUSED(swapon, "target", 0);
	REFUSED(settimeofday, area, 0);
	REFUSED(sethostname, "x", 1L);
	REFUSED(pidfd_open, parent, 0);
	REFUSED(pidfd_getfd, 0, 9, 0);
	REFUSED(process_vm_readv, parent, &piece, 1L, &piece, 1L, 0L);
	REFUSED(kcmp, parent, parent, 0, 0L, 0L);
	REFUSED(quotactl, 0, "x", 0, area);
	REFUSED(fanotify_init, 0, 0);
	REFUSED(open_tree, AT_FDCWD, "/", 1);
	REFUSED(fsopen, "tmpfs", 0);
	REFUSED(kill, parent, 9);
	REFUSED(sched_setscheduler, parent, 0, (int[]){ 0 });
	REFUSED(mknod, "device", S_IFBLK | 0600, 0x0800);
	REFUSED(capset, area, area);
	return 42;
}
