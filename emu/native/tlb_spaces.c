/* What leaves the TLB when translations change, and which table is a process's; with it, whether
   code that was found by its address lies there still. */
#include "tlb_tables.h"

/* ---- translated code --------------------------------------------------------------------- */

static uint32_t next_generation(core *c)
{
    if (!++c->tlb->generations) { /* they begin again */
        memset(c->jumps, 0, sizeof c->jumps);
        c->tlb->generations = 1;
    }
    return c->tlb->generations;
}

static void set_known(core *c, int high, uint32_t translation)
{
    c->known[high] = (uint64_t)translation << 32 | (uint32_t)c->known[high];
}

/* What Unicorn itself remembers of jumps: it does not ask where their pages lie now. */
static void forget_unicorns_jumps(core *c)
{
    if (c->unicorn_jumped)
        memset(c->env - CPU_ENV + CPU_JUMPS, 0, CPU_JUMPS_SIZE);
    c->unicorn_jumped = false;
}

static void low_changed(core *c, space *s)
{
    s->translation = next_generation(c);
    if (s != c->tlb->space)
        return;
    set_known(c, 0, s->translation);
    forget_unicorns_jumps(c);
}

static void high_changed(core *c)
{
    set_known(c, 1, next_generation(c));
    forget_unicorns_jumps(c);
}

void code_dropped(core *c)
{
    uint32_t generation = c->known[0] + 1;
    if (!generation)
        memset(c->jumps, 0, sizeof c->jumps);
    for (int high = 0; high < 2; high++)
        c->known[high] = (c->known[high] & ~(uint64_t)UINT32_MAX) | generation;
}

void forget_code(core *c)
{
    memset(c->jumps, 0, sizeof c->jumps);
    code_dropped(c);
}

/* ---- flushing ---------------------------------------------------------------------------- */

static void clear_problem(space *s)
{
    if (s->problem.entries)
        table_clear(&s->problem);
    s->high = false;
}

void tlb_flush(core *c)
{
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        table_clear(&c->tlb->shared[mode]);
    c->tlb->low_count = 0;
    for (int i = 0; i < SPACES; i++) {
        clear_problem(&c->tlb->spaces[i]);
        low_changed(c, &c->tlb->spaces[i]);
    }
    high_changed(c);
}

void tlb_drop_page(core *c, uint64_t page)
{
    table_drop(&c->tlb->space->problem, page);
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        table_drop(&c->tlb->shared[mode], page);
}

void tlb_flush_page(core *c, uint64_t page)
{
    tlb_drop_page(c, page);
    if (page >> 62 == 3)
        high_changed(c);
    else
        low_changed(c, c->tlb->space);
}

static void leave_low(core *c)
{
    if (c->tlb->low_count > LOW_PAGES)
        table_clear(&c->tlb->shared[PRIVILEGED]);
    else
        for (unsigned i = 0; i < c->tlb->low_count; i++)
            table_drop(&c->tlb->shared[PRIVILEGED], c->tlb->low[i]);
    c->tlb->low_count = 0;
}

static void flush_low(core *c, space *s)
{
    clear_problem(s);
    if (s == c->tlb->space)
        leave_low(c);
    low_changed(c, s);
}

void tlb_flush_low(core *c) { flush_low(c, c->tlb->space); }

static void flush_high(core *c)
{
    table_clear(&c->tlb->shared[PRIVILEGED]);
    c->tlb->low_count = 0;
    for (int i = 0; i < SPACES; i++)
        if (c->tlb->spaces[i].high)
            clear_problem(&c->tlb->spaces[i]);
    high_changed(c);
}

/* ---- processes --------------------------------------------------------------------------- */

static space *find(core *c, uint64_t process)
{
    for (space *s = c->tlb->spaces; s < c->tlb->spaces + SPACES; s++)
        if (s->selected && s->process == process)
            return s;
    return NULL;
}

static space *replaced(core *c, uint64_t process)
{
    space *oldest = c->tlb->spaces;
    for (space *s = oldest; s < c->tlb->spaces + SPACES; s++)
        if (s->selected < oldest->selected)
            oldest = s;
    if (!oldest->problem.entries && !table_allocate(&oldest->problem)) {
        table_release(&oldest->problem);
        oldest->problem = (table){0};
        oldest = c->tlb->space; /* the one that is there always */
    }
    flush_low(c, oldest);
    oldest->process = process;
    return oldest;
}

void tlb_select(core *c)
{
    uint64_t process = c->hash_table ? 0 : *spr(c, SPR_PID);
    if (c->tlb->space->process == process)
        return;
    space *s = find(c, process);
    if (!s)
        s = replaced(c, process);
    leave_low(c);
    c->tlb->space = s;
    s->selected = ++c->tlb->selections;
    tlb_install(c, PROBLEM);
    set_known(c, 0, s->translation);
    forget_unicorns_jumps(c);
}

/* ---- tlbie (Power ISA III 6.9.3.3) --------------------------------------------------------- */

enum { RIC_WALKS = 1, RIC_GROUP = 3 };
enum { SELECTS_PAGE, SELECTS_PROCESS };
enum { SIZE_4K, SIZE_64K = 5 };

void tlb_invalidate(core *c, uint64_t word)
{
    uint64_t rb = *gpr(c, RB(word)), process = *gpr(c, RT(word)) >> 32;
    bool of_process = word >> 17 & 1, radix = word >> 16 & 1;
    unsigned kind = word >> 18 & 3, selects = rb >> 10 & 3, size = rb >> 5 & 7;
    if (kind == RIC_WALKS && radix)
        return; /* none is kept */
    if (!radix || !of_process || kind == RIC_GROUP || selects > SELECTS_PROCESS
        || !(msr(c) & MSR_SF)) {
        tlb_flush(c);
        return;
    }
    if (!process && (selects == SELECTS_PROCESS || rb >> 62 == 3))
        flush_high(c);
    space *s = find(c, process);
    if (!s)
        return;
    if (selects == SELECTS_PROCESS || (size != SIZE_4K && size != SIZE_64K)) {
        flush_low(c, s);
        return;
    }
    uint64_t length = size == SIZE_64K ? 0x10000 : PAGE, page = rb & ~(length - 1);
    for (uint64_t end = page + length; page != end; page += PAGE) {
        table_drop(&s->problem, page);
        if (s == c->tlb->space)
            table_drop(&c->tlb->shared[PRIVILEGED], page);
    }
    low_changed(c, s);
}
