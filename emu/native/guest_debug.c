/* A guest that debugs itself: trace by MSR[SE] and MSR[BE], the breakpoint of CIABR, the watchpoints
   of DAWR and DAWRX (Power ISA III 7.5.15, 10).

   It goes the way a debugger's stops go (debug.c), and costs nothing while none of it is set: only
   the blocks of a guest that traces begin with a call of block_stepped (generate.c), and the
   registers are set by hypercalls.  The core's own trace is switched off: it takes rfid for an
   instruction to be traced and loses its target. */
#include "internal.h"
#include "tlb.h"

/* SRR1 of a trace interrupt (III 7.5.15). */
#define TRACE 0x40000000ull
#define TRACE_LOAD 0x10000000ull
#define TRACE_STORE 0x08000000ull
#define TRACE_CIABR 0x00100000ull

/* CIABR and DAWRX: in which states; DAWRX: which accesses, under which translation. */
#define PROBLEM_STATE 1
#define PRIVILEGED_STATE 2
#define CIABR_STATES 3ull
#define DAWRX_IGNORE_TRANSLATION (1ull << 3)
#define DAWRX_TRANSLATION (1ull << 4)
#define DAWRX_LOADS (1ull << 5)
#define DAWRX_STORES (1ull << 6)
#define DAWRX_DOUBLEWORDS(x) (((x) >> 10 & 0x3f) + 1) /* MRD */
/* What ISA 2.07 and 3.0 watch ends at such a boundary. */
#define BOUNDARY 512ull

static const struct {
    enum spr_number address, control;
} watches[] = {{SPR_DAWR0, SPR_DAWRX0}, {SPR_DAWR1, SPR_DAWRX1}};
#define WATCHES (sizeof watches / sizeof *watches)

static uint64_t state(core *c) { return msr(c) & MSR_PR ? PROBLEM_STATE : PRIVILEGED_STATE; }

static bool ciabr_on(core *c)
{
    uint64_t states = *spr(c, SPR_CIABR) & CIABR_STATES;
    return states == PROBLEM_STATE || states == PRIVILEGED_STATE;
}

static uint64_t ciabr_address(core *c) { return *spr(c, SPR_CIABR) & ~CIABR_STATES; }

static bool watch_on(core *c, size_t i)
{
    uint64_t control = *spr(c, watches[i].control);
    return (control & (DAWRX_LOADS | DAWRX_STORES))
           && (control & (PROBLEM_STATE | PRIVILEGED_STATE));
}

bool guest_watches(core *c)
{
    for (size_t i = 0; i < WATCHES; i++)
        if (watch_on(c, i))
            return true;
    return false;
}

bool guest_debugs(core *c)
{
    return msr(c) & (MSR_SE | MSR_BE) || ciabr_on(c) || guest_watches(c);
}

void core_guest_debug_changed(core *c)
{
    tlb_flush(c); /* the reservation stays */
    debug_settle(c);
}

/* ---- trace and the breakpoint ----------------------------------------------------------- */

uint64_t guest_block(core *c, uint64_t address, uint64_t count)
{
    if (msr(c) & (MSR_SE | MSR_BE))
        return 1;
    uint64_t before = (ciabr_address(c) - address) >> 2;
    if (!ciabr_on(c) || before >= count)
        return count;
    return before ? before : 1;
}

/* b, bc, bclr, bcctr, bctar. */
static bool is_branch(uint32_t word)
{
    unsigned opcode = word >> 26, extended = word >> 1 & 0x3ff;
    return opcode == 16 || opcode == 18
           || (opcode == 19 && (extended == 16 || extended == 528 || extended == 560));
}

/* rfid, rfscv, hrfid: they complete in another context. */
static bool is_return(uint32_t word)
{
    unsigned extended = word >> 1 & 0x3ff;
    return word >> 26 == 19 && (extended == 18 || extended == 82 || extended == 274);
}

void guest_begins(core *c, uint64_t address)
{
    bool there = ciabr_on(c) && ciabr_address(c) == address
                 && (*spr(c, SPR_CIABR) & CIABR_STATES) == state(c);
    bool all = msr(c) & MSR_SE;
    uint32_t word;
    if ((!there && !(msr(c) & (MSR_SE | MSR_BE))) || !fetch_instruction(c, address, &word)
        || is_return(word) || !(there || all || is_branch(word)))
        return;
    int accesses = is_prefix(c, word) ? prefixed_accesses(c, address, word) : storage_accesses(word);
    c->completion = TRACE | (there ? TRACE_CIABR : 0)
                    | (accesses & ACCESSES_LOAD    ? TRACE_LOAD
                       : accesses & ACCESSES_STORE ? TRACE_STORE
                                                   : 0);
}

void guest_completes(core *c)
{
    if (c->completion)
        deliver(c, 0xd00, *nip(c), c->completion);
}

bool guest_completed(core *c)
{
    bool interrupted = c->unknown_exception
                       || (c->fault_pending && c->fault_access != ACCESS_FETCH);
    if (!c->completion || interrupted)
        return false;
    c->fault_pending = false; /* the next instruction's */
    guest_completes(c);
    return true;
}

void block_stepped(core *c, uint64_t address, uint64_t size)
{
    *nip(c) = address;
    debug_block(c, address, size);
}

/* ---- watchpoints ------------------------------------------------------------------------ */

static void watched_range(core *c, size_t i, uint64_t *first, uint64_t *last)
{
    *first = *spr(c, watches[i].address) & ~7ull;
    *last = *first + 8 * DAWRX_DOUBLEWORDS(*spr(c, watches[i].control)) - 1;
    if (c->isa < ISA_3_1 && *last > (*first | (BOUNDARY - 1)))
        *last = *first | (BOUNDARY - 1);
    if (*last < *first)
        *last = ~0ull;
}

int guest_watched(core *c, uint64_t from, uint64_t to)
{
    int accesses = 0;
    for (size_t i = 0; i < WATCHES; i++) {
        uint64_t first, last, control = *spr(c, watches[i].control);
        watched_range(c, i, &first, &last);
        if (!watch_on(c, i) || first > to || last < from)
            continue;
        accesses |= (control & DAWRX_LOADS ? ACCESSES_LOAD : 0)
                    | (control & DAWRX_STORES ? ACCESSES_STORE : 0);
    }
    return accesses;
}

/* Whether that register means accesses in the state the processor is in. */
static bool means_this_state(core *c, size_t i)
{
    uint64_t control = *spr(c, watches[i].control);
    return control & state(c)
           && (control & DAWRX_IGNORE_TRANSLATION
               || !(control & DAWRX_TRANSLATION) == !(msr(c) & MSR_DR));
}

bool guest_watch_hit(core *c, int accesses, uint64_t pc, uint64_t address, uint64_t length)
{
    bool hit = false;
    for (size_t i = 0; i < WATCHES; i++) {
        uint64_t first, last, control = *spr(c, watches[i].control);
        watched_range(c, i, &first, &last);
        bool meant = (accesses & ACCESSES_LOAD && control & DAWRX_LOADS)
                     || (accesses & ACCESSES_STORE && control & DAWRX_STORES);
        hit |= meant && means_this_state(c, i) && first <= address + (length - 1)
               && last >= address;
    }
    if (!hit)
        return false;
    *spr(c, SPR_DAR) = address;
    *spr(c, SPR_DSISR) = CAUSE_WATCH | (accesses & ACCESSES_STORE ? CAUSE_STORE : 0);
    deliver(c, 0x300, pc, 0);
    return true;
}
