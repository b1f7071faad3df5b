/* Traces of instructions and accesses by range of effective addresses.

   Only the ranges cost.  While there are any of instructions, each translated block begins with a
   call of block_traced: it compares the block's place with them.  A block that has
   traced instructions is cut (debug.c) so that each of them runs alone.  Traced accesses go by the
   TLB as watchpoints do, and are told when their instruction is done. */
#include "internal.h"

/* ---- what is set ------------------------------------------------------------------------ */

/* A range was added or removed, by an observer perhaps: what that takes is done when the block
   that runs has ended. */
static void ranges_changed(core *c)
{
    trace_state *t = &c->trace;
    t->lowest = ~0ull;
    t->highest = 0;
    for (int i = 0; i < t->count; i++) {
        if (t->ranges[i].first < t->lowest)
            t->lowest = t->ranges[i].first;
        if (t->ranges[i].last > t->highest)
            t->highest = t->ranges[i].last;
    }
    if (t->translated == (t->count > 0))
        return;
    t->translated = t->count > 0;
    c->retranslate = true;
    *deadline(c) = 0;
}

int core_trace_add_instructions(core *c, uint64_t first, uint64_t last)
{
    trace_state *t = &c->trace;
    if (t->count == TRACES || first > last)
        return -1;
    t->ranges[t->count++] = (address_range){first, last};
    ranges_changed(c);
    return 0;
}

void core_trace_remove_instructions(core *c, uint64_t first, uint64_t last)
{
    trace_state *t = &c->trace;
    for (int i = 0; i < t->count; i++) {
        if (t->ranges[i].first != first || t->ranges[i].last != last)
            continue;
        t->ranges[i] = t->ranges[--t->count];
        ranges_changed(c);
        return;
    }
}

int core_trace_add_accesses(core *c, uint64_t first, uint64_t last, int access)
{
    debug_state *d = &c->debug;
    if (d->watch_count == DEBUG_WATCHPOINTS || first > last)
        return -1;
    d->watches[d->watch_count++] = (watchpoint){first, last, access, true};
    d->traced_watches++;
    c->tlb_stale = true; /* it may hold what is to be seen */
    set_deadline(c);
    return 0;
}

void core_trace_remove_accesses(core *c, uint64_t first, uint64_t last, int access)
{
    debug_state *d = &c->debug;
    for (int i = 0; i < d->watch_count; i++) {
        watchpoint *w = &d->watches[i];
        if (!w->traced || w->first != first || w->last != last || w->access != access)
            continue;
        *w = d->watches[--d->watch_count];
        d->traced_watches--;
        c->tlb_stale = true; /* its pages need not be guarded any more */
        set_deadline(c);
        return;
    }
}

void core_observe_trace(core *c, core_instruction_observer instruction,
                        core_access_observer access, void *context)
{
    c->trace.instruction = instruction;
    c->trace.access = access;
    c->trace.context = context;
}

/* ---- instructions ----------------------------------------------------------------------- */

static bool traced(const trace_state *t, uint64_t address)
{
    for (int i = 0; i < t->count; i++)
        if (t->ranges[i].first <= address && address <= t->ranges[i].last)
            return true;
    return false;
}

uint64_t trace_untraced(const core *c, uint64_t address, uint64_t count)
{
    const trace_state *t = &c->trace;
    if (traced(t, address))
        return 1;
    for (int i = 0; i < t->count; i++) {
        uint64_t first = (t->ranges[i].first + 3) & ~3ull;
        if (first > address && (first - address) >> 2 < count)
            count = (first - address) >> 2;
    }
    return count;
}

void trace_instruction(core *c, uint64_t address)
{
    bool told = c->trace.repeats && c->trace.repeated == address;
    c->trace.repeats = false;
    if (told || !traced(&c->trace, address))
        return;
    sigjmp_buf *held = guard_hold();
    c->trace.instruction(c->trace.context, address);
    guard_resume(held);
}

void block_traced(core *c, uint64_t address, uint64_t size)
{
    *nip(c) = address;
    if (address + (size - 1) >= c->trace.lowest && address <= c->trace.highest)
        debug_block(c, address, size);
    else if (*spr(c, SPR_TB) >= *deadline(c))
        block_begins(c, address, size);
}

/* ---- words that are counted ------------------------------------------------------------- */

void core_count_words(core *c, uint64_t first, uint64_t size, uint64_t *counts)
{
    c->counted = (counted_words){first, size, counts};
    c->retranslate = true;
    *deadline(c) = 0;
}

void block_counted(core *c, uint64_t address, uint64_t size)
{
    uint64_t at = address - c->counted.first;
    if (at >= c->counted.size || size > c->counted.size - at)
        return;
    c->counted.counts[at >> 2 << 1]++;
    c->counted.counts[((at + size - 4) >> 2 << 1) + 1]++;
}

/* ---- accesses --------------------------------------------------------------------------- */

void trace_access(core *c, uint32_t word, bool stored, uint64_t address, uint64_t length)
{
    traced_access *a = &c->trace.pending;
    *a = (traced_access){
        .there = true,
        .stored = stored,
        .conditional = conditional_store(word),
        .pc = *nip(c),
        .address = address,
        .length = length,
    };
}

void trace_access_ends(core *c, bool done)
{
    traced_access *a = &c->trace.pending;
    bool stored = !a->conditional || *window32(c->env, ENV_CRF) & 2; /* CR0[EQ] */
    if (!a->there)
        return;
    a->there = false;
    if (!done || !stored)
        return;
    sigjmp_buf *held = guard_hold();
    c->trace.access(c->trace.context, a->address, a->length, a->stored, a->pc);
    guard_resume(held);
}
