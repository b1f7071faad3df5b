/* Floating point, vectors and VSX, as far as translated code knows of them.

   A block is translated for one state of the processor, and MSR[FP], MSR[VEC] and MSR[VSX] are of
   it: an instruction of a facility that is off becomes its interrupt.  Linux lets them stay on in
   its kernel wherever they once were used, and each combination of the three had all of the
   kernel translated again: a third of a boot's blocks.  So in privileged state translated code
   does not know that they are on until an instruction asks for one of them; it then learns of
   all, and forgets them when a branch leads away from there, or MSR is set. */
#include "helpers.h"

/* The state that translated code is for: bits as in MSR. */
static uint32_t *flags(core *c) { return window32(c->env, ENV_HFLAGS); }

void facilities_forget(core *c)
{
    if (!(msr(c) & (MSR_PR | MSR_SE | MSR_BE)))
        *flags(c) &= ~(uint32_t)FACILITIES;
}

/* Whether the instruction at `address`, which found a facility off, is to run again: it is on. */
bool facilities_learn(core *c, uint64_t address)
{
    if (!((*flags(c) ^ msr(c)) & FACILITIES))
        return false;
    core_set_facilities(c, 1, address);
    *nip(c) = address;
    c->completion = 0;
    count_instructions(c, -1ull); /* the block that it ended counted it, and the next one will */
    debug_repeats(c, address);
    return true;
}

int core_facilities_known(core *c) { return (*flags(c) & FACILITIES) != 0; }
uint64_t core_facilities_learnt(core *c) { return c->facilities_learnt; }

void core_set_facilities(core *c, int known, uint64_t learnt)
{
    c->facilities_learnt = learnt;
    if (known)
        *flags(c) |= msr(c) & FACILITIES;
    else
        facilities_forget(c);
}

/* ---- instructions that change MSR ---------------------------------------------------------- */

void return_after(uint8_t *env)
{
    core *c = running_core;
    if (c && c->env == env)
        facilities_forget(c);
}

void store_msr_after(uint8_t *env, uint64_t value)
{
    (void)value;
    return_after(env);
}

/* ---- translating --------------------------------------------------------------------------- */

/* The translator asks MSR itself what is on. */
static void (*begin)(void *block, uint8_t *cpu);

static void begin_as_known(void *block, uint8_t *cpu)
{
    uint8_t *env = *(uint8_t **)(cpu + CPU_ENV_PTR);
    uint64_t *msr = window64(env, ENV_MSR), whole = *msr;
    *msr = (whole & ~FACILITIES) | (*window32(env, ENV_HFLAGS) & FACILITIES);
    begin(block, cpu);
    *msr = whole;
}

void translate_block(const translator *functions, void *block, void *cpu, void *translated,
                     int most)
{
    translator ours = *functions;
    begin = functions->begin;
    ours.begin = begin_as_known;
    library.translate_block(&ours, block, cpu, translated, most);
}
