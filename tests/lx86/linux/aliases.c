/* Code on pages that are written by other addresses, files and processes, as JIT compilers have it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, RWX = PROT_READ | PROT_WRITE | PROT_EXEC };
typedef int function(void);
static int file;
static char *writable, *code;

static void answer(char *at, int value) /* mov eax, value; ret */
{
	*at = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

static void jump(char *at, int opcode, char *to)
{
	int distance = to - at - 5;
	*at = opcode;
	memcpy(at + 1, &distance, 4);
}

static int call(int offset)
{
	return ((function *)(code + offset))();
}

int main(void)
{
	char bytes[8];
	int wrong = 0, sum = 0;
	file = memfd_create("code", 0);
	ftruncate(file, 2 * PAGE);
	writable = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
	for (int n = 0; n < 50; n++) {
		answer(writable, n);
		wrong += call(0) != n;
	}
	printf("wrong %d\n", wrong);
	for (int n = 0; n < 5000; n++)
		sum += call(0);
	answer(writable, 7777);
	printf("often %d, then %d\n", sum, call(0));
	answer(bytes, 4242);
	pwrite(file, bytes, 6, 0);
	printf("by the file %d\n", call(0));
	lseek(file, 0, SEEK_SET);
	pwrite(file, "\xb8\5\0\0\0\xc3", 6, PAGE);
	read(file, writable + PAGE, 6);
	printf("read there %d\n", call(PAGE));
	if (!fork()) {
		answer(writable, 555);
		_exit(0);
	}
	wait(NULL);
	printf("by another process %d\n", call(0));

	/* call 200; add eax, eax; ret: what is called is changed, and so is where it goes on */
	jump(writable + 100, 0xe8, writable + 200);
	memcpy(writable + 105, "\1\xc0\xc3", 3);
	for (int n = 1; n < 40; n++) {
		answer(writable + 200, n);
		sum = call(100) + call(200);
		if (n % 10 == 0)
			writable[105] ^= 0x28; /* sub eax, eax */
		printf("%d %d ", sum, call(100));
	}
	printf("\n");
	jump(writable + 300, 0xe9, writable + PAGE - 2); /* an instruction on two pages */
	answer(writable + PAGE - 2, 0x01020304);
	printf("%x ", call(300));
	writable[PAGE] = 0x55;
	printf("%x\n", call(300));
	/* fld1; fistp: with the x87 in use before or not */
	memcpy(writable + 400, "\xd9\xe8\xd9\xe8\xde\xc1\x50\xdb\x1c\x24\x58\xc3", 12);
	printf("x87 %d ", call(400));
	asm volatile("fldz");
	memcpy(writable + 402, "\xd9\xee", 2); /* fldz */
	printf("%d ", call(400));
	asm volatile("fstp %st(0)");
	memcpy(writable + 402, "\xd9\xe8", 2);
	printf("%d\n", call(400));
	answer(writable, 88);
	asm volatile("std");
	sum = call(0);
	asm volatile("cld");
	printf("backward %d\n", sum);
	mprotect(code, PAGE, PROT_READ | PROT_WRITE);
	answer(code, 89);
	mprotect(code, PAGE, PROT_READ | PROT_EXEC);
	printf("by turns %d\n", call(0));
	munmap(writable, 2 * PAGE);
	writable = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	answer(writable, 90);
	printf("by another map %d\n", call(0));

	code = mmap(NULL, PAGE, RWX, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	answer(code, 1);
	printf("anonymous %d", call(0));
	fflush(stdout);
	if (!fork()) {
		answer(code, 2);
		_exit(call(0));
	}
	wait(&sum);
	printf(" %d %d\n", WEXITSTATUS(sum), call(0));
	return 0;
}
