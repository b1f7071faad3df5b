/* Of internal.h: stopping a guest for a debugger, tracing it, and its own debugging. */
#ifndef DEBUG_H
#define DEBUG_H

#define DEBUG_BREAKPOINTS 1024
#define DEBUG_WATCHPOINTS 64

typedef struct {
    uint64_t first, last;
    int access;
    bool traced; /* nobody stops there: the access is told */
} watchpoint;

#define TRACES 64

typedef struct {
    uint64_t first, last;
} address_range;

/* An access whose instruction has yet to run. */
typedef struct {
    bool there, stored, conditional;
    uint64_t pc, address, length;
} traced_access;

typedef struct {
    address_range ranges[TRACES]; /* of instructions */
    int count;
    bool translated;          /* each block begins with a call of block_traced */
    uint64_t lowest, highest; /* of the ranges */
    traced_access pending;
    bool repeats; /* the instruction at `repeated` was told of and runs again */
    uint64_t repeated;
    core_instruction_observer instruction;
    core_access_observer access;
    void *context;
} trace_state;

typedef struct {
    bool on; /* something of this is at work: every block takes the slow path */
    uint64_t breakpoints[DEBUG_BREAKPOINTS]; /* ascending */
    int breakpoint_count;
    watchpoint watches[DEBUG_WATCHPOINTS];
    int watch_count;
    int traced_watches; /* so many of them */
    enum { STEP_NONE, STEP_ARMED, STEP_TAKEN } step;
    uint64_t limit;     /* instructions of the block to be entered next; 0: all */
    bool stopped;       /* at a breakpoint */
    bool watch_fault;   /* the TLB hook refused an access to a watched page */
    bool watch_open;    /* watched pages may be accessed, by the instruction at watch_nip */
    uint64_t watch_nip;
    uint64_t opened[2]; /* the pages that the TLB holds meanwhile */
    int opened_count;
    /* The last stop, and whether a run from there goes past it. */
    enum core_debug kind;
    uint64_t address;
    uint64_t stop_nip;
    int stop_processor;
    bool pass_breakpoint, pass_watch;
} debug_state;

/* debug.c */
void debug_enter(core *c);             /* a run begins */
bool debug_stops(core *c);             /* it ends with CORE_DEBUG */
bool debug_limit(core *c);             /* the block entered next is a piece of one */
void debug_settle(core *c);
void debug_block(core *c, uint64_t address, uint32_t size);
void debug_interrupted(core *c);
void debug_repeats(core *c, uint64_t address); /* the instruction there did not run yet */
void debug_delivered(core *c, uint64_t srr0); /* an interrupt, while watched pages are open */
bool debug_guard(core *c, uint64_t address, int access, uc_tlb_entry *entry);
bool debug_watch_stops(core *c, uint32_t word, uint64_t address, uint64_t length);
int debug_watch_fault(core *c);         /* an exit, or -1: go on */

/* tracing.c */
void block_traced(core *c, uint64_t address, uint64_t size); /* instead of block_begins */
uint64_t trace_untraced(const core *c, uint64_t address, uint64_t count); /* or 1: traced */
void trace_instruction(core *c, uint64_t address);
void trace_access(core *c, uint32_t word, bool stored, uint64_t address, uint64_t length);
void trace_access_ends(core *c, bool done);
void block_counted(core *c, uint64_t address, uint64_t size);

/* guest_debug.c */
bool guest_debugs(core *c);  /* it traces, or one of its debug registers is set */
bool guest_watches(core *c);
uint64_t guest_block(core *c, uint64_t address, uint64_t count); /* how many run in one piece */
void guest_begins(core *c, uint64_t address); /* the instruction there runs, it alone if traced */
void guest_completes(core *c);
bool guest_completed(core *c); /* translated code was left because that instruction is done */
int guest_watched(core *c, uint64_t from, uint64_t to); /* accesses watched anywhere in between */
bool guest_watch_hit(core *c, int accesses, uint64_t pc, uint64_t address, uint64_t length);
void block_stepped(core *c, uint64_t address, uint64_t size); /* instead of block_begins */
#endif
