/* Of edges.c: faults, what is stored by what faults, and a stack that overflows. */

static sigjmp_buf back;
static volatile unsigned *place;

static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	greg_t *r = u->uc_mcontext.gregs;
	printf("signal %d code %d trap %d", number, info->si_code, (int)r[REG_TRAPNO]);
	if (r[REG_TRAPNO] == 14)
		printf(" error %d cr2 %lx same %d", (int)r[REG_ERR], (unsigned long)CR2(u),
		       (unsigned long)info->si_addr == (unsigned long)CR2(u));
	else if (number != SIGSEGV)
		printf(" at %d", number == SIGTRAP ? 0 : (greg_t)info->si_addr == r[IP]);
	int fetched = r[REG_TRAPNO] != 14 || !(r[REG_ERR] & 16);
	printf(" eax %x ecx %x at %02x\n", (unsigned)r[A], (unsigned)r[C],
	       fetched ? *(unsigned char *)r[IP] : (unsigned)r[IP]);
	siglongjmp(back, 1);
}

#define TRY(code, a, c) \
	do { \
		printf("%s: ", code); \
		fflush(stdout); \
		if (!sigsetjmp(back, 1)) { \
			int eax = a, ecx = c; \
			asm volatile("subl $1, %%edx\n\t" code : "+a"(eax), "+c"(ecx) \
				     : "d"(0), "S"(0x20003000), "D"(0x20004ffe) : "memory", "cc"); \
			printf("eax %x ecx %x\n", eax, ecx); \
		} \
	} while (0)

static void faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
	for (unsigned n = 0; n < 5; n++)
		sigaction(numbers[n], &action, NULL);
	char *area = mmap((void *)0x20000000, 0x5000, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	memset(area, 0x33, 0x5000);
	mprotect(area + 0x1000, 0x1000, PROT_READ);
	mprotect(area + 0x2000, 0x1000, PROT_NONE);
	TRY("movl (%%eax), %%eax", 0x20000000, 1);
	TRY("movl (%%eax), %%eax", 0x20000ffe, 1);
	TRY("movl (%%eax), %%eax", 0x20001ffe, 1);
	TRY("movl %%ecx, (%%eax)", 0x20001000, 2);
	TRY("movl %%ecx, (%%eax)", 0x20000ffe, 3);
	TRY("addl %%ecx, (%%eax)", 0x20001000, 4);
	TRY("addl (%%eax), %%ecx; movl %%ecx, 4(%%eax); movl %%ecx, (%%ecx)", 0x20000000, 5);
	TRY(PUSH " $1; " POP " (" R "ax)", 0x10, 6);
	TRY("rep stosl", 0x44, 100);
	TRY("rep movsb", 0x44, 3);
	TRY("lock cmpxchgl %%ecx, (%%eax)", 0x20001000, 7);
	TRY("xchgl %%ecx, (%%eax)", 0x20001004, 8);
	TRY("addl %%ecx, (%%eax)", 0x20002000, 7);
	TRY("shlb %%cl, (%%eax)", 0x20002001, 7);
	TRY("lock xaddl %%ecx, (%%eax)", 0x20002002, 7);
	TRY("lock incl (%%eax)", 0x20001002, 7);
	TRY("xchgw %%cx, (%%eax)", 0x20002001, 7);
	TRY("lock cmpxchg8b (%%eax)", 0x20001003, 7);
	TRY("divl %%ecx", 5, 0);
	TRY("idivl %%ecx", 5, 0);
	TRY("divl %%ecx", 5, 1);
	TRY("ud2", 1, 2);
	TRY("int3", 1, 2);
	TRY("hlt", 1, 2);
	TRY("int $0x40", 1, 2);
	TRY("call *" R "ax", 0x20000000, 2);
	TRY("jmp *" R "ax", 0x1000, 2);
	TRY("flds (%%eax)", 0x20002000, 2);
	TRY("movups %%xmm0, (%%eax)", 0x20000ff8, 2);
}

static void on_part(int number, siginfo_t *info, void *context)
{
	place = info->si_addr;
	siglongjmp(back, 1);
}

#define PART(code, from, to) \
	for (int at = from; at <= to; at++) { \
		memset(area + 0xec0, 0x55, 0x400); \
		mprotect(area, 0x1000, low ? PROT_READ : PROT_READ | PROT_WRITE); \
		mprotect(area + 0x1000, 0x1000, low ? PROT_READ | PROT_WRITE : PROT_READ); \
		place = 0; \
		if (!sigsetjmp(back, 1)) \
			asm volatile("fninit; fldpi; pxor %%xmm0, %%xmm0\n\t" code : \
				     : "a"(0), "b"(0), "c"(0), "d"(0), "S"(area + 0x1000 + at) \
				     : "memory", "cc", "edi"); \
		mprotect(area, 0x2000, PROT_READ | PROT_WRITE); \
		int changed = 0, last = 0; \
		for (int n = 0xec0; n < 0x12c0; n++) \
			if (n % 4 == 0 && *(int *)(area + n) == 0x55555555) \
				n += 3; \
			else if (area[n] != 0x55) \
				changed++, last = n; \
		printf("%s %d%+d: fault %x changed %d to %x\n", code, low, at, (int)place, changed, last); \
	}

/* Stores from one page into another, one of which may not be written: what of them is done. */
static void parts(void)
{
	char *area = mmap((void *)0x22000000, 0x2000, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	struct sigaction action = { .sa_sigaction = on_part, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigaction(SIGSEGV, &action, NULL);
	for (int low = 0; low < 2; low++) {
		PART("movups %%xmm0, (%%esi)", -17, 0)
		PART("fstpt (%%esi)", -11, 0)
		PART("fstpl (%%esi)", -5, -4)
		PART("movsd %%xmm0, (%%esi)", -5, -4)
		PART("lock cmpxchg8b (%%esi)", -8, 0)
#ifndef __x86_64__
		PART("movl %%esp, %%edi; movl %%esi, %%esp; pusha; movl %%edi, %%esp", -1, 34)
#endif
		PART("fnsave (%%esi)", -109, -106)
		PART("fnstenv (%%esi)", -29, -26)
		PART("fxsave (%%esi)", -16, -16)
		PART("fxsave (%%esi)", -288, -288)
#ifndef __x86_64__
		PART("movl %%esp, %%edi; xchg %%ebp, %%ebx; movl %%esi, %%esp; enter $8, $0; movl %%edi, %%esp;"
		     "xchg %%ebp, %%ebx", 0, 6)
#endif
		PART("xchg %%edi, %%esi; pcmpeqd %%xmm1, %%xmm1; maskmovdqu %%xmm1, %%xmm0; xchg %%edi, %%esi",
		     -17, -14)
		PART("fbstp (%%esi)", -11, -8)
		PART("xchg %%eax, (%%esi)", -4, 0)
	}
}

static void on_own_stack(int number)
{
	int here;
	uintptr_t at = (uintptr_t)&here;
	printf("handler of %d on the other stack %d\n", number, at >= 0x21000000 && at < 0x21010000);
	siglongjmp(back, 1);
}

static int overflow(int n)
{
	volatile char big[4096];
	big[0] = n;
	return overflow(n + 1) + big[0];
}

static void stacks(void)
{
	stack_t other = { .ss_sp = mmap((void *)0x21000000, 0x10000, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			  .ss_size = 0x10000 };
	struct sigaction action = { .sa_handler = on_own_stack, .sa_flags = SA_ONSTACK };
	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (!sigsetjmp(back, 1))
		overflow(0);
}
