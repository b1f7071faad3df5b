/* Time.  The time base is the one clock; the decrementer and PURR are points on it.

   *Counted*: each translated block adds its instructions to it (generate.c), and finds with one
   comparison whatever is due.  *The host's*: nothing is added, and a thread has the next block
   stop once something is due (host_clock.c). */
#include "internal.h"

uint64_t core_time_base(core *c) { return time_base(c); }

uint64_t time_read(core *c)
{
    uint64_t now = time_base(c);
    if (now > c->latest_read)
        c->latest_read = now;
    return c->latest_read;
}

void core_advance_time_base(core *c, uint64_t ticks)
{
    *spr(c, SPR_TB) += ticks;
    c->purr_behind += ticks;
    if (c->host)
        host_clock_advance(c, ticks);
}

void core_set_time_base(core *c, uint64_t ticks)
{
    core_advance_time_base(c, ticks - time_base(c));
}

uint64_t core_purr(core *c) { return time_base(c) - c->purr_behind; }

void core_set_purr(core *c, uint64_t value) { c->purr_behind = time_base(c) - value; }

/* ---- what is due ------------------------------------------------------------------------ */

static bool decrementer_negative(core *c) { return core_decrementer(c) < 0; }

bool interrupt_pending(core *c) { return c->external || decrementer_negative(c); }

static bool leaves_at_once(core *c)
{
    return c->external || c->stop_requested || c->tlb_stale || c->retranslate || c->debug.on;
}

void set_deadline(core *c)
{
    uint64_t due = c->decrementer_zero + 1;
    uint64_t next = due < c->until ? due : c->until;
    bool now = leaves_at_once(c);
    if (c->host && !now) {
        *deadline(c) = NEVER;
        host_clock_wake(c, next);
    } else {
        *deadline(c) = now ? 0 : next;
    }
    if (c->stop_requested) /* since it was looked at */
        *deadline(c) = 0;
}

/* Whether something waits for the block that runs to end. */
bool block_due(core *c)
{
    return c->stop_requested || c->tlb_stale || c->retranslate || time_base(c) >= c->until
           || (msr(c) & MSR_EE && interrupt_pending(c));
}

void block_begins(core *c, uint64_t address, uint64_t size)
{
    *nip(c) = address;
    if (c->debug.on)
        debug_block(c, address, size);
    else if (block_due(c))
        leave_translated_code(c); /* before the block runs */
    else if (c->host && !interrupt_pending(c))
        set_deadline(c); /* the host's clock had us look for nothing */
}

void block_late(core *c, uint64_t address, uint64_t size)
{
    count_instructions(c, -(size >> 2));
    block_begins(c, address, size);
    count_instructions(c, size >> 2);
}

int64_t core_decrementer(core *c) { return (int64_t)(c->decrementer_zero - time_base(c)); }

void core_set_decrementer(core *c, int64_t value)
{
    c->decrementer_zero = time_base(c) + (uint64_t)value;
    set_deadline(c);
}
