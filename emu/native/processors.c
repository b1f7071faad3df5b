/* A partition's virtual processors take turns on one core: what of the state is theirs. */
#include <stdlib.h>

#include "internal.h"
#include "tlb.h"

/* The pieces of CPUPPCState that belong to a processor; plain values all of them (the SLB's
   page-size pointers lead to constants of the library). */
static const struct {
    size_t offset, size;
} pieces[] = {
    {0, ENV_SLB + SLB_SIZE},                 /* GPRs to the SLB */
    {ENV_SPR, SPR_COUNT * sizeof(uint64_t)}, /* the time base among them is put back */
    {ENV_VSCR, ENV_TB_ENV - ENV_VSCR},       /* vectors, floating point and its status */
};
#define PIECES (sizeof pieces / sizeof *pieces)

struct processor {
    uint8_t env[ENV_SLB + SLB_SIZE + SPR_COUNT * sizeof(uint64_t) + ENV_TB_ENV - ENV_VSCR];
    uint64_t decrementer_zero, purr;
    uint64_t ahead, ahead_nip;
    bool facilities_known;
    uint64_t facilities_learnt;
    int external;
    core_nonmaskable system_reset, machine_check;
};

static void save(core *c, processor *p)
{
    uint8_t *to = p->env;
    for (size_t i = 0; i < PIECES; to += pieces[i].size, i++)
        memcpy(to, c->env + pieces[i].offset, pieces[i].size);
    p->decrementer_zero = c->decrementer_zero;
    p->purr = core_purr(c);
    p->ahead = c->ahead;
    p->facilities_known = core_facilities_known(c);
    p->facilities_learnt = c->facilities_learnt;
    p->ahead_nip = c->ahead_nip;
    p->external = c->external;
    p->system_reset = c->system_reset;
    p->machine_check = c->machine_check;
}

static void load(core *c, const processor *p)
{
    const uint8_t *from = p->env;
    uint64_t now = time_base(c);
    bool other_segments = memcmp(c->env + ENV_SLB, from + ENV_SLB, SLB_SIZE);
    bool watched = guest_watches(c);
    for (size_t i = 0; i < PIECES; from += pieces[i].size, i++)
        memcpy(c->env + pieces[i].offset, from, pieces[i].size);
    *spr(c, SPR_TB) = now;
    if (!c->broken)
        select_translation(c); /* LPCR is the partition's */
    c->purr_behind = now - p->purr;
    c->decrementer_zero = p->decrementer_zero;
    c->ahead = p->ahead;
    c->ahead_nip = p->ahead_nip;
    c->external = p->external;
    c->system_reset = p->system_reset;
    c->machine_check = p->machine_check;
    if (c->broken)
        return;
    core_set_msr(c, msr(c)); /* what the core derives from MSR; also ends the reservation */
    core_set_facilities(c, p->facilities_known, p->facilities_learnt);
    tlb_select(c);
    if (watched || guest_watches(c) || (c->hash_table && other_segments))
        tlb_flush(c);
}

bool processors_start(core *c)
{
    c->processors = calloc(1, sizeof *c->processors);
    c->pristine = calloc(1, sizeof *c->pristine);
    if (!c->processors || !c->pristine)
        return false;
    save(c, c->pristine);
    c->processor_count = 1;
    return true;
}

void processors_end(core *c)
{
    free(c->processors);
    free(c->pristine);
}

int core_add_processor(core *c)
{
    processor *more = realloc(c->processors, (c->processor_count + 1) * sizeof *more);
    if (!more)
        return -1;
    c->processors = more;
    more[c->processor_count] = *c->pristine;
    return c->processor_count++;
}

void core_select(core *c, int number)
{
    if (number == c->current)
        return;
    c->instructions_before += core_purr(c);
    save(c, &c->processors[c->current]);
    load(c, &c->processors[number]);
    c->instructions_before -= core_purr(c);
    c->current = number;
}

uint64_t core_instructions(core *c)
{
    return c->instructions_before + core_purr(c);
}

uint64_t core_decrementer_due(core *c, int number)
{
    return 1 + (number == c->current ? c->decrementer_zero
                                     : c->processors[number].decrementer_zero);
}

void core_reset_processor(core *c)
{
    uint64_t purr = core_purr(c);
    load(c, c->pristine);
    core_set_purr(c, purr);
}
