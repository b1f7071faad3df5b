/* Stops for a debugger: breakpoints, watchpoints, single steps.

   Nothing of the guest's storage changes, no translated code is dropped, and while no debugging
   is on nothing here runs.  While it is on, the clock's deadline is always past, so that every
   block comes to debug_block before it runs; the core can be told to end its next block after n
   instructions, and so stops in front of any of them.

   A block's instructions are counted when it begins, all of them.  Cut in pieces it must count
   the same: `ahead` says how many instructions were counted that have yet to run, and while it
   is not 0 nothing that waits for the end of a block may happen.  So a debugged run is the run
   that would have been, to the instruction. */
#include "internal.h"
#include "tlb.h"

#define PAGE_MASK (~0xfffull)

enum watch_access { WATCH_LOADS = ACCESSES_LOAD, WATCH_STORES = ACCESSES_STORE };

/* ---- what is set ------------------------------------------------------------------------ */

void debug_settle(core *c)
{
    debug_state *d = &c->debug;
    d->on = d->breakpoint_count || d->watch_count > d->traced_watches || d->step != STEP_NONE
            || d->watch_open || c->ahead || guest_debugs(c);
    set_deadline(c);
}

/* The first breakpoint at or above `address`; its index, or the count. */
static int first_breakpoint(const debug_state *d, uint64_t address)
{
    int low = 0, high = d->breakpoint_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (d->breakpoints[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_breakpoint(const debug_state *d, uint64_t address)
{
    int at = first_breakpoint(d, address);
    return at < d->breakpoint_count && d->breakpoints[at] == address;
}

int core_debug_add_breakpoint(core *c, uint64_t address)
{
    debug_state *d = &c->debug;
    int at = first_breakpoint(d, address);
    if (has_breakpoint(d, address))
        return 0;
    if (d->breakpoint_count == DEBUG_BREAKPOINTS)
        return -1;
    memmove(d->breakpoints + at + 1, d->breakpoints + at,
            (d->breakpoint_count - at) * sizeof *d->breakpoints);
    d->breakpoints[at] = address;
    d->breakpoint_count++;
    debug_settle(c);
    return 0;
}

void core_debug_remove_breakpoint(core *c, uint64_t address)
{
    debug_state *d = &c->debug;
    if (!has_breakpoint(d, address))
        return;
    int at = first_breakpoint(d, address);
    d->breakpoint_count--;
    memmove(d->breakpoints + at, d->breakpoints + at + 1,
            (d->breakpoint_count - at) * sizeof *d->breakpoints);
    debug_settle(c);
}

int core_debug_add_watchpoint(core *c, uint64_t address, uint64_t length, int access)
{
    debug_state *d = &c->debug;
    if (d->watch_count == DEBUG_WATCHPOINTS || !length || address + (length - 1) < address)
        return -1;
    d->watches[d->watch_count++] = (watchpoint){address, address + (length - 1), access, false};
    tlb_flush(c); /* the reservation stays */
    debug_settle(c);
    return 0;
}

void core_debug_remove_watchpoint(core *c, uint64_t address, uint64_t length, int access)
{
    debug_state *d = &c->debug;
    for (int i = 0; i < d->watch_count; i++) {
        watchpoint *w = &d->watches[i];
        if (w->traced || w->first != address || w->last - w->first + 1 != length
            || w->access != access)
            continue;
        *w = d->watches[--d->watch_count];
        tlb_flush(c);
        debug_settle(c);
        return;
    }
}

void core_debug_step(core *c, int on)
{
    c->debug.step = on ? STEP_ARMED : STEP_NONE;
    debug_settle(c);
}

int core_debug_kind(core *c) { return c->debug.kind; }
uint64_t core_debug_address(core *c) { return c->debug.address; }

static int stop(core *c, enum core_debug kind, uint64_t address)
{
    debug_state *d = &c->debug;
    d->kind = kind;
    d->address = address;
    d->step = STEP_NONE;
    d->stopped = false;
    d->stop_nip = *nip(c);
    d->stop_processor = c->current;
    d->pass_breakpoint = kind == DEBUG_BREAKPOINT;
    d->pass_watch = kind >= DEBUG_WATCH_STORE;
    return CORE_DEBUG;
}

/* Whether `pass`, what the last stop asks for, is meant here. */
static bool passing(core *c, bool pass)
{
    return pass && c->current == c->debug.stop_processor && *nip(c) == c->debug.stop_nip;
}

/* ---- running ---------------------------------------------------------------------------- */

void debug_enter(core *c)
{
    debug_state *d = &c->debug;
    d->limit = 0; /* what the last run was about to enter, another processor perhaps */
    if (c->current == d->stop_processor && *nip(c) != d->stop_nip)
        d->pass_breakpoint = d->pass_watch = false;
    if (c->ahead && *nip(c) != c->ahead_nip) /* somebody moved the processor elsewhere */
        c->ahead = 0;
    debug_settle(c);
}

bool debug_stops(core *c)
{
    debug_state *d = &c->debug;
    if (d->step == STEP_TAKEN) {
        stop(c, DEBUG_STEP, *nip(c));
        return true;
    }
    if (d->stopped) {
        stop(c, DEBUG_BREAKPOINT, *nip(c));
        return true;
    }
    return false;
}

/* The core's next block is to end after `count` instructions. */
static _Noreturn void run_at_most(core *c, uint64_t address, uint64_t count)
{
    c->debug.limit = count;
    c->ahead_nip = address;
    debug_settle(c);
    leave_translated_code(c);
}

bool debug_limit(core *c)
{
    debug_state *d = &c->debug;
    uint64_t limit = d->limit;
    d->limit = 0;
    if (limit)
        *window32(*(uint8_t **)((uint8_t *)c->uc + UC_CPU), CPU_CFLAGS_NEXT_TB) = limit;
    return limit;
}

/* How many of a block's instructions may run before somebody wants to look. */
static uint64_t instructions_to_stop(const core *c, uint64_t address, uint32_t size)
{
    const debug_state *d = &c->debug;
    uint64_t count = size >> 2;
    if (d->step == STEP_ARMED || d->watch_open)
        return 1;
    int next = first_breakpoint(d, address + 4);
    if (next < d->breakpoint_count && d->breakpoints[next] - address < size)
        count = (d->breakpoints[next] - address + 3) >> 2;
    return trace_untraced(c, address, count);
}

/* The instruction for which watched pages were open has run, or was interrupted. */
static void close_watch(core *c, bool done)
{
    debug_state *d = &c->debug;
    d->watch_open = false;
    for (int i = 0; i < d->opened_count; i++)
        tlb_drop_page(c, d->opened[i]);
    d->opened_count = 0;
    trace_access_ends(c, done);
}

void debug_delivered(core *c, uint64_t srr0)
{
    close_watch(c, srr0 != c->trace.pending.pc);
}

void debug_block(core *c, uint64_t address, uint32_t size)
{
    debug_state *d = &c->debug;
    uint64_t count = size >> 2;
    bool opened = d->watch_open && d->watch_nip == address;
    if (d->watch_open && !opened)
        close_watch(c, true);
    if (c->completion || (!c->ahead && block_due(c)))
        leave_translated_code(c);
    if (d->step == STEP_TAKEN)
        leave_translated_code(c);
    uint64_t whole = c->ahead ? count : guest_block(c, address, count);
    if (whole < count)
        run_at_most(c, address, whole);
    bool passed = passing(c, d->pass_breakpoint);
    if (d->step == STEP_NONE && !passed && has_breakpoint(d, address)) {
        d->stopped = true;
        c->ahead_nip = address;
        leave_translated_code(c);
    }
    if (c->ahead < count) {
        count_instructions(c, count - c->ahead);
        c->ahead = count;
    }
    uint64_t run = instructions_to_stop(c, address, size);
    if (run < count)
        run_at_most(c, address, run);
    c->ahead -= run;
    c->ahead_nip = address + size;
    if (!opened && !passing(c, d->pass_watch)) /* else it was told of before */
        trace_instruction(c, address);
    guest_begins(c, address);
    if (passed)
        d->pass_breakpoint = false;
    if (d->step == STEP_ARMED)
        d->step = STEP_TAKEN;
    if (opened) /* should the same instruction come again, it is another access */
        d->watch_nip = ~0ull;
    if (!c->ahead)
        debug_settle(c);
    count_instructions(c, -count); /* which the block itself adds */
}

void debug_interrupted(core *c)
{
    debug_state *d = &c->debug;
    if (d->step == STEP_ARMED)
        d->step = STEP_TAKEN;
}

void debug_repeats(core *c, uint64_t address)
{
    debug_state *d = &c->debug;
    if (d->step == STEP_TAKEN)
        d->step = STEP_ARMED;
    if (has_breakpoint(d, address)) { /* it was stopped at */
        d->pass_breakpoint = true;
        d->stop_nip = address;
        d->stop_processor = c->current;
    }
    c->trace.repeated = address;
    c->trace.repeats = true;
}

/* ---- watchpoints ------------------------------------------------------------------------ */

/* A page is open: the TLB is to forget it when the instruction is done. */
static void opened_page(debug_state *d, uint64_t address)
{
    const int room = sizeof d->opened / sizeof *d->opened;
    for (int i = 0; i < d->opened_count; i++)
        if (d->opened[i] == (address & PAGE_MASK))
            return;
    if (d->opened_count < room) /* no instruction accesses more */
        d->opened[d->opened_count++] = address & PAGE_MASK;
}

/* The TLB never holds what a watchpoint covers, so each access to its page comes here. */
bool debug_guard(core *c, uint64_t address, int access, uc_tlb_entry *entry)
{
    debug_state *d = &c->debug;
    int watched = guest_watched(c, address & PAGE_MASK, address | ~PAGE_MASK);
    for (int i = 0; i < d->watch_count; i++)
        if (d->watches[i].first <= (address | ~PAGE_MASK)
            && d->watches[i].last >= (address & PAGE_MASK))
            watched |= d->watches[i].access;
    if (!watched)
        return true;
    if (d->watch_open && access != ACCESS_FETCH) {
        opened_page(d, address);
        return true;
    }
    if (watched & WATCH_LOADS)
        entry->perms &= ~UC_PROT_READ;
    if (watched & WATCH_STORES)
        entry->perms &= ~UC_PROT_WRITE;
    if (access == ACCESS_FETCH)
        return true;
    d->watch_fault = !(entry->perms & (access == ACCESS_STORE ? UC_PROT_WRITE : UC_PROT_READ));
    return !d->watch_fault;
}

/* Whether the access that the TLB hook refused, `word` to that operand, is one to stop before; it
   may be one to tell of. */
bool debug_watch_stops(core *c, uint32_t word, uint64_t address, uint64_t length)
{
    debug_state *d = &c->debug;
    bool passed = passing(c, d->pass_watch);
    bool stores = c->fault_access == ACCESS_STORE || conditional_store(word)
                  || atomic_operation(word); /* though the core loads first */
    c->trace.pending.there = false;
    for (int i = 0; i < d->watch_count; i++) {
        const watchpoint *w = &d->watches[i];
        if (!(w->access & (stores ? WATCH_STORES : WATCH_LOADS))
            || w->first > address + (length - 1) || w->last < address)
            continue;
        if (w->traced) {
            trace_access(c, word, stores, address, length);
            continue;
        }
        if (passed)
            continue;
        c->trace.pending.there = false;
        stop(c,
             w->access == WATCH_STORES  ? DEBUG_WATCH_STORE
             : w->access == WATCH_LOADS ? DEBUG_WATCH_LOAD
                                        : DEBUG_WATCH_ACCESS,
             address < w->first ? w->first : address);
        return true;
    }
    if (passed)
        d->pass_watch = false;
    return false;
}

int debug_watch_fault(core *c)
{
    debug_state *d = &c->debug;
    uint64_t address, length;
    uint32_t word;
    c->fault_pending = d->watch_fault = false;
    c->completion = 0; /* it has yet to run */
    c->ahead += (c->block_end - *nip(c)) >> 2; /* what of the block did not run */
    c->ahead_nip = *nip(c);
    if (d->step == STEP_TAKEN)
        d->step = STEP_ARMED;
    if (fetch_instruction(c, *nip(c), &word)) {
        storage_operand(c, word, &address, &length);
        if (debug_watch_stops(c, word, address, length))
            return CORE_DEBUG;
        if (guest_watch_hit(c, storage_accesses(word), *nip(c), address, length)) {
            trace_access_ends(c, false);
            debug_interrupted(c);
            return -1;
        }
    }
    d->watch_open = true; /* for this one instruction */
    d->watch_nip = *nip(c);
    d->limit = 1;
    debug_settle(c);
    return -1;
}
