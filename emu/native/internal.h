/* What the C files of the core share. */
#ifndef INTERNAL_H
#define INTERNAL_H
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core.h"
#include "power.h"
#include "unicorn_api.h"
#include "window.h"

#include "debug.h"

enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH };

/* Causes as in DSISR and, for instruction storage interrupts, SRR1 (Power ISA III 7.5.3, 7.5.5). */
#define CAUSE_NO_TRANSLATION 0x40000000u
#define CAUSE_NO_EXECUTE 0x10000000u
#define CAUSE_PROTECTION 0x08000000u
#define CAUSE_STORE 0x02000000u
#define CAUSE_KEY 0x00200000u
#define CAUSE_WATCH 0x00400000u
/* No DSISR values: the address lies in no segment; it is a device's. */
#define CAUSE_SEGMENT 1u
#define CAUSE_DEVICE 2u

typedef struct {
    uint64_t real;
    uint32_t permissions; /* UC_PROT_* */
} translation;

#define SLB_SLOTS 32

typedef struct {
    unsigned base, actual; /* log2 of bytes; 0: the entry names no size there is */
} page_size;

typedef struct processor processor;
typedef struct host_clock host_clock;

/* Constants in the code of the block that is being generated, known when it is complete: what a
   function is called with. */
typedef struct {
    uint64_t *address, *size;
} block_call;

/* Such constants of that block, and labels of the call for a block that is late. */
typedef struct {
    block_call begins, counted;
    uint64_t *count;
    void *late, *on_time;
} block_places;

/* The translated code that goes on at an address, in one state of the processor. */
typedef struct {
    uint64_t address;
    void *code;
    uint64_t known; /* as in the core, when it was */
    uint32_t flags;
    uint32_t page; /* of storage, that all of it comes from; or NO_PAGE, also if it is far up */
} jump;
#define NO_PAGE 0xffffffffu
typedef struct tlb tlb;
#define JUMPS 16384
typedef struct later_instruction later_instruction;

/* Registers of problem state that came with an ISA level, and their accessors (level.c). */
#define LATER_REGISTERS 20

typedef struct {
    void *read, *write;
} spr_accessors;

#define DEVICES 8

typedef struct {
    uint64_t address, length;
} device_range;

/* Where it is counted how often each word runs (core_count_words). */
typedef struct {
    uint64_t first, size; /* bytes */
    uint64_t *counts;     /* NULL: nowhere */
} counted_words;

/* What an adapter may reach (dma.c): its entries are the hypervisor's. */
typedef struct {
    uint64_t liobn, pages;
    uint64_t *entries;
} dma_window;

struct core {
    uc_engine *uc;
    uint8_t *env;
    uint8_t *storage;
    uint64_t size;
    unicorn_api api;
    core_counts counts;
    core_controls controls;
    uint64_t *hash_table; /* null: radix translation */
    uint64_t hash_mask;   /* of group numbers */
    dma_window *windows;
    int window_count;

    /* The clock (clock.c).  A block whose start lies at or after the deadline asks what is due. */
    host_clock *host; /* NULL: instructions are counted */
    uint64_t until;
    uint64_t block_end; /* of the block whose access the TLB hook refused */
    uint64_t decrementer_zero; /* time base at which the decrementer reads 0 */
    uint64_t purr_behind;      /* by how much PURR is less than the time base */

    /* The virtual processors; the selected one's state is the engine's own (processors.c). */
    processor *processors;
    processor *pristine;
    int processor_count;
    int current;
    uint64_t ahead;               /* instructions counted that have yet to run (debug.c) */
    uint64_t ahead_nip;           /* where they begin */
    debug_state debug;
    trace_state trace;
    counted_words counted;
    bool retranslate; /* the translated code is for other traces */
    bool shared;      /* the storage is, with other processes */
    bool prefixed; /* the instruction that is being emulated is */
    uint64_t completion; /* SRR1 of the trace interrupt that the running instruction ends in, or 0 */
    uint64_t instructions_before; /* executed, less what the selected one's PURR counts */

    uint64_t facilities_learnt; /* where an instruction asked for one last (facilities.c) */

    uint64_t pauses; /* how many more end a run */
    volatile int stop_requested;
    int external;
    core_nonmaskable system_reset, machine_check;
    int hypercall;
    bool left; /* through leave_translated_code */
    uint32_t unknown_exception; /* 0: none */

    /* The access that the TLB hook refused. */
    bool fault_pending;
    uint64_t fault_address;
    uint32_t fault_cause;
    int fault_access;
    uint64_t fault_real; /* the page, where CAUSE_DEVICE */

    device_range devices[DEVICES];
    int device_count;
    core_device_access device_access;
    uint32_t device_instruction;

    tlb *tlb;
    bool tlb_stale; /* to be flushed between two blocks */

    uint8_t *code_pages; /* one byte a page: translated code comes from it (interpose.c) */

    /* What this engine's code generator makes for us (generate.c). */
    void *generator;
    block_places block;
    uint64_t known[2]; /* of low and high addresses: generations of translation, and of code */
    bool unicorn_jumped; /* it remembers jumps of its own */
    ptrdiff_t block_distance; /* from a block to its code; 0: not known yet */
    uint8_t no_time_base[TB_ENV_SIZE];

    uint64_t random;   /* where the numbers of darn go on from */
    uint8_t *handlers; /* of instructions, as this engine's decoder has them (decoder.c) */
    int handler_count;
    /* The ISA level: whatever depends on one asks here (level.c). */
    enum core_isa isa;
    later_instruction *later_instructions;
    int later_count;
    spr_accessors later_registers[LATER_REGISTERS];

    core_interrupt_observer observe_interrupt;
    void *interrupt_context;
    char failure[256];
    uint64_t latest_read; /* of the time base, by any processor */
    bool broken; /* by a fault of the engine's own (guard.c) */
    jump jumps[JUMPS];
};

static inline uint64_t *gpr(core *c, int n) { return window64(c->env, ENV_GPR + 8 * n); }
static inline uint64_t *spr(core *c, int n) { return window64(c->env, ENV_SPR + 8 * n); }
static inline uint64_t *nip(core *c) { return window64(c->env, ENV_NIP); }
static inline uint8_t **opcodes(core *c)
{
    return (uint8_t **)(*(uint8_t **)((uint8_t *)c->uc + UC_CPU) + CPU_OPCODES);
}
static inline uint64_t msr(core *c) { return *window64(c->env, ENV_MSR); }

static inline volatile uint64_t *deadline(core *c) { return spr(c, SPR_DEADLINE); }

/* host_clock.c */
#define NEVER (~0ull)
bool host_clock_open(core *c);
void host_clock_close(core *c);
uint64_t host_time_base(core *c);

/* The time base as guests read it.  Processors that run side by side are carried out one after the
   other, so one may begin at a time that another has passed; it reads no less than that one did. */
uint64_t time_read(core *c);
void host_clock_run(core *c); /* until it is held */
void host_clock_advance(core *c, uint64_t ticks);
void host_clock_wake(core *c, uint64_t time_base); /* the deadline becomes 0 then */

/* clock.c */
static inline uint64_t time_base(core *c) { return c->host ? host_time_base(c) : *spr(c, SPR_TB); }
void set_deadline(core *c);
bool interrupt_pending(core *c);
bool block_due(core *c);
void block_begins(core *c, uint64_t address, uint64_t size);
void block_late(core *c, uint64_t address, uint64_t size); /* the same, counted already */

static inline void count_instructions(core *c, uint64_t count)
{
    if (!c->host)
        *spr(c, SPR_TB) += count;
}

/* device.c */
bool is_device(const core *c, uint64_t real);
int device_fault(core *c);              /* an exit, or -1: go on */

/* registers.c */
void registers_start(core *c);
/* Whether mtspr or mfspr is of one kept here, and allowed: it is done, or interrupted. */
bool access_register(core *c, uint64_t address, uint32_t word);

/* facilities.c */
void facilities_forget(core *c); /* MSR was set */
/* Whether a branch `to` there, far away from where one was asked for, is to have them forgotten. */
#define FACILITIES (MSR_FP | MSR_VEC | MSR_VSX)
#define NEARBY 0x2000ull /* a loop over some pages: learning takes longer than a branch */
static inline bool facilities_left(core *c, uint64_t to)
{
    uint32_t flags = *window32(c->env, ENV_HFLAGS);
    return flags & FACILITIES && !(flags & (MSR_PR | MSR_SE | MSR_BE))
           && to - c->facilities_learnt + NEARBY > 2 * NEARBY;
}
bool facilities_learn(core *c, uint64_t address);

/* level.c */
bool levels_start(core *c);
void levels_end(core *c);
/* Where the table errs about the edition of what these parts of an opcode lead to (decoder.c). */
void correct_edition(uint8_t *handler, const uint8_t *part);

/* In non-Java mode denormal operands are zeros, too, not results alone (Power ISA I 6.2.3). */
static inline void flush_vector_operands(uint8_t *env)
{
    uint8_t *status = env + ENV_VECTOR_STATUS;
    status[STATUS_FLUSH_OPERANDS] = status[STATUS_FLUSH_RESULTS];
}

/* operand.c */
enum { ACCESSES_LOAD = 1, ACCESSES_STORE = 2 };
int storage_accesses(uint32_t word);
void storage_operand(core *c, uint32_t word, uint64_t *address, uint64_t *length);
bool conditional_store(uint32_t word);
bool atomic_operation(uint32_t word);

/* window.c */
#define FAIL(...) return snprintf(error, error_size, __VA_ARGS__), false
bool window_check(core *c, char *error, size_t error_size);
bool window_check_running(core *c, char *error, size_t error_size);

/* interrupts.c */
void deliver(core *c, uint64_t vector, uint64_t srr0, uint64_t srr1_bits);
void deliver_storage_interrupt(core *c);
void facility_unavailable(core *c, uint64_t address, uint64_t facility);
void on_exception(uc_engine *uc, uint32_t number, void *context);

/* processors.c */
bool processors_start(core *c);
void processors_end(core *c);

uint64_t effective_address(core *c, uint64_t address);

/* emulate.c */
bool is_prefix(const core *c, uint32_t word);
int prefixed_accesses(core *c, uint64_t address, uint32_t prefix); /* as storage_accesses */
bool emulate(core *c, uint64_t address, uint32_t word); /* false: there is no such instruction */

/* decoder.c */
bool decoder_start(core *c);
void decoder_end(core *c);

/* guard.c.  Around a call:
       guard g;
       if (sigsetjmp(*guard_enter(&g), 0)) guard_broke(c); else ...;
       guard_leave(&g);
   What calls back to whoever looks on holds it meanwhile. */
typedef struct {
    sigjmp_buf here, *outer;
} guard;
void guard_install(void);
sigjmp_buf *guard_enter(guard *g);
void guard_leave(guard *g);
void guard_broke(core *c);
sigjmp_buf *guard_hold(void);
void guard_resume(sigjmp_buf *held);

/* storage.c: zeros, which cost something only where they are touched; NULL: no room */
void *sparse_map(uint64_t size);
void sparse_unmap(void *zeros, uint64_t size);

/* interpose.c */
extern __thread core *running_core;
_Noreturn void leave_translated_code(core *c);
void drop_code(core *c, uint64_t start, uint64_t end); /* translated from these addresses */
bool holds_code(core *c, uint64_t page); /* that was stored to: stores go on being watched */

/* translation.c */
#define EFFECTIVE_REAL_MASK 0x0fffffffffffffffull
uint32_t permission_for(int access); /* UC_PROT_*: what it needs */
uint32_t key_permissions(core *c, unsigned key); /* what AMR and IAMR leave of UC_PROT_ALL */
/* Sets R, and C for a store, in the entry that lies at `place`; gives what of `permissions` the TLB
   may let through from now on. */
uint32_t mark_used(uint64_t *place, uint64_t entry, int access, uint32_t permissions);
bool translate(core *c, uint64_t effective, int access, bool update, translation *out,
               uint32_t *cause);
bool on_tlb_miss(uc_engine *uc, uint64_t address, uc_mem_type type, uc_tlb_entry *entry,
                 void *context);
bool fetch_instruction(core *c, uint64_t address, uint32_t *word);

/* hash.c */
page_size pte_page_size(uint64_t high, uint64_t low);
bool hash_translate(core *c, uint64_t effective, int access, bool update, translation *out,
                    uint32_t *cause);
void select_translation(core *c);
/* The entry at `ptex` was this one: what the TLB has by it goes. */
void hash_flush_page(core *c, uint64_t ptex, uint64_t high, uint64_t low);

/* answered.c, page_table.c, dma.c: false: the call is to leave the core */
bool answer_call(core *c);
bool page_table_call(core *c, int call);
bool dma_call(core *c, int call);
#endif
