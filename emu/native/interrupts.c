/* Delivery of guest interrupts (Power ISA III 7.4, 7.5), and the instructions the core lacks. */
#include "internal.h"

/* SRR1 of a program interrupt (Power ISA III 7.5.9). */
#define PROGRAM_ILLEGAL 0x080000ull
#define PREFIXED 0x20000000ull /* SRR1[34] of all interrupts that a prefixed instruction takes */

/* DSISR: an atomic memory operation with a function code that is not there (III 7.5.3). */
#define CAUSE_ATOMIC_FUNCTION 0x00080000u
#define FSCR_EBB (1ull << 7)
#define FSCR_SCV (1ull << 12)
#define FSCR_CAUSE_SHIFT 56
#define FACILITY_EBB 7ull
#define FACILITY_SCV 12ull
#define BESCR_GE (1ull << 63)
#define LOCATION_OFFSET_3 0xc000000000004000ull
#define LOCATION_OFFSET_2 0x18000ull

static void set_msr(core *c, uint64_t value)
{
    c->api.reg_write(c->uc, UC_PPC_REG_MSR, &value);
    facilities_forget(c);
}

/* MSR at an interrupt handler's first instruction; `keep` names bits that survive. */
static uint64_t handler_msr(core *c, uint64_t keep, bool relocated)
{
    return MSR_SF | (msr(c) & keep) | (c->controls.interrupts_little_endian ? MSR_LE : 0)
           | (relocated ? MSR_IR | MSR_DR : 0);
}

/* Whether AIL applies: translation must have been on (Power ISA III 2.2, LPCR[AIL]). */
static bool located_alternatively(core *c)
{
    return c->controls.interrupt_location >= 2 && (msr(c) & MSR_IR) && (msr(c) & MSR_DR);
}

static void drop_reservation(core *c) { *window64(c->env, ENV_RESERVE_ADDR) = ~0ull; }

static void count(core *c, uint64_t vector) { c->counts.interrupts[(vector >> 5) & 0xff]++; }

static void observe(core *c, uint64_t vector, uint64_t address, uint64_t state)
{
    if (!c->observe_interrupt)
        return;
    sigjmp_buf *held = guard_hold();
    c->observe_interrupt(c->interrupt_context, vector, address, state, time_base(c));
    guard_resume(held);
}

void deliver(core *c, uint64_t vector, uint64_t srr0, uint64_t srr1_bits)
{
    if (c->debug.watch_open)
        debug_delivered(c, srr0);
    uint64_t srr1 = (msr(c) & ~SRR1_INTERRUPT_BITS) | srr1_bits | (c->prefixed ? PREFIXED : 0);
    bool alternative = vector != 0x100 && vector != 0x200 && located_alternatively(c);
    uint64_t base = !alternative                          ? 0
                    : c->controls.interrupt_location == 3 ? LOCATION_OFFSET_3
                                                          : LOCATION_OFFSET_2;
    *spr(c, SPR_SRR0) = srr0;
    *spr(c, SPR_SRR1) = srr1;
    set_msr(c, handler_msr(c, MSR_ME, alternative));
    *nip(c) = base + vector;
    c->ahead = 0; /* what follows is another block */
    c->completion = 0;
    drop_reservation(c);
    count(c, vector);
    observe(c, vector, srr0, srr1);
}

void deliver_storage_interrupt(core *c)
{
    uint64_t address = *window64((uint8_t *)c->uc, UC_INVALID_ADDR);
    bool fetch = c->fault_access == ACCESS_FETCH;
    c->fault_pending = false;
    c->counts.storage_interrupts++;
    if (fetch) /* no block ran, but time must pass: the handler may lie nowhere either */
        count_instructions(c, 1);
    if (c->fault_cause == CAUSE_SEGMENT) {
        if (!fetch)
            *spr(c, SPR_DAR) = address;
        deliver(c, fetch ? 0x480 : 0x380, *nip(c), 0);
    } else if (fetch) {
        deliver(c, 0x400, *nip(c), c->fault_cause);
    } else {
        *spr(c, SPR_DAR) = address;
        *spr(c, SPR_DSISR) = c->fault_cause | (c->fault_access == ACCESS_STORE ? CAUSE_STORE : 0);
        deliver(c, 0x300, *nip(c), 0);
    }
}

void facility_unavailable(core *c, uint64_t address, uint64_t facility)
{
    *spr(c, SPR_FSCR) = (*spr(c, SPR_FSCR) & ~(0xffull << FSCR_CAUSE_SHIFT))
                        | facility << FSCR_CAUSE_SHIFT;
    deliver(c, 0xf60, address, 0);
}

/* System call vectored: LR and CTR take the return state, not SRR0/1 (Power ISA III 7.5.27). */
static void system_call_vectored(core *c, uint64_t address, uint64_t level)
{
    if (!(*spr(c, SPR_FSCR) & FSCR_SCV)) {
        facility_unavailable(c, address, FACILITY_SCV);
        return;
    }
    bool alternative = c->controls.interrupt_location == 3 && located_alternatively(c);
    uint64_t state = msr(c) & ~SRR1_INTERRUPT_BITS;
    *window64(c->env, ENV_LR) = address + 4;
    *window64(c->env, ENV_CTR) = state;
    set_msr(c, handler_msr(c, MSR_ME | MSR_EE | MSR_RI, alternative));
    *nip(c) = (alternative ? 0xc000000000003000ull : 0x17000ull) + level * 0x20;
    c->completion = 0;
    count(c, 0x1000 + level * 0x20);
    observe(c, 0x3000 + level * 0x20, address + 4, state);
}

static void return_from_system_call_vectored(core *c)
{
    uint64_t state = *window64(c->env, ENV_CTR);
    uint64_t target = *window64(c->env, ENV_LR) & ~3ull;
    set_msr(c, state & ~(SRR1_INTERRUPT_BITS));
    *nip(c) = msr(c) & MSR_SF ? target : target & 0xffffffffull;
    drop_reservation(c);
}

/* Nothing here makes event-based branches, but a program may return as if from one. */
static void return_from_event_based_branch(core *c, uint64_t address, uint64_t enable)
{
    if (msr(c) & MSR_PR && !(*spr(c, SPR_FSCR) & FSCR_EBB)) {
        facility_unavailable(c, address, FACILITY_EBB);
        return;
    }
    *spr(c, SPR_BESCR) = (*spr(c, SPR_BESCR) & ~BESCR_GE) | (enable ? BESCR_GE : 0);
    *nip(c) = effective_address(c, *spr(c, SPR_EBBRR) & ~3ull);
    c->counts.emulated++;
    guest_completes(c);
}

static bool emulate_missing(core *c, uint64_t address, uint32_t word)
{
    if ((word & 0xfc0007fe) == 0x4c000124 && c->isa >= ISA_2_07) {
        return_from_event_based_branch(c, address, word & 0x800);
        return true;
    }
    if (c->isa < ISA_3_0)
        return false;
    if ((word & 0xfffff01f) == 0x44000001) {
        system_call_vectored(c, address, word >> 5 & 0x7f);
        return true;
    }
    if (word != 0x4c0000a4)
        return false;
    if (msr(c) & MSR_PR)
        deliver(c, 0x700, address, PROGRAM_PRIVILEGED);
    else
        return_from_system_call_vectored(c);
    return true;
}

uint64_t effective_address(core *c, uint64_t address)
{
    return msr(c) & MSR_SF ? address : address & 0xffffffffull;
}

/* The effective address of the storage access `word` makes, for DAR. */
static uint64_t operand_address(core *c, uint32_t word)
{
    unsigned opcode = word >> 26, ra = word >> 16 & 0x1f, rb = word >> 11 & 0x1f;
    uint64_t base = ra ? *gpr(c, ra) : 0, address;
    if (opcode == 31)
        address = base + *gpr(c, rb);
    else if (opcode == 58 || opcode == 62)
        address = base + (int64_t)(int16_t)(word & 0xfffc);
    else if (opcode == 56 || opcode == 61)
        address = base + (int64_t)(int16_t)(word & 0xfff0);
    else
        address = base + (int64_t)(int16_t)word;
    return effective_address(c, address);
}

static void on_program(core *c, uint64_t address)
{
    uint32_t word, kind = *window32(c->env, ENV_ERROR_CODE) & 0xf0;
    switch (kind) {
    case 0x10: deliver(c, 0x700, address, PROGRAM_FP); return;
    case 0x30:
        if (fetch_instruction(c, address, &word) && access_register(c, address, word))
            return;
        deliver(c, 0x700, address, PROGRAM_PRIVILEGED);
        return;
    case 0x40: deliver(c, 0x700, address, PROGRAM_TRAP); return;
    default: deliver(c, 0x700, address, PROGRAM_ILLEGAL); return;
    }
}

/* Where the core's translator found out, it says which facility but does not write FSCR. */
static void on_facility(core *c, uint64_t address)
{
    uint64_t facility = *window32(c->env, ENV_ERROR_CODE);
    if (!facility)
        facility = *spr(c, SPR_FSCR) >> FSCR_CAUSE_SHIFT;
    facility_unavailable(c, address, facility);
}

/* By MSR, as far as translated code knows it. */
static void on_switched_off(core *c, uint64_t address, uint64_t vector)
{
    if (!facilities_learn(c, address))
        deliver(c, vector, address, 0);
}

static void on_system_call(core *c)
{
    if (*window32(c->env, ENV_ERROR_CODE) & 1) { /* bits above the last of LEV are reserved */
        c->completion = 0;
        c->counts.hypercalls++;
        if (answer_call(c))
            return;
        c->hypercall = 1;
        c->api.emu_stop(c->uc);
    } else {
        deliver(c, 0xc00, *nip(c), 0);
    }
}

void on_exception(uc_engine *uc, uint32_t number, void *context)
{
    core *c = context;
    uint64_t address = *nip(c) - 4; /* Unicorn has stepped over the instruction */
    uint32_t word = 0;
    (void)uc;
    switch (number) {
    case EXCEPTION_SYSTEM_CALL: on_system_call(c); break;
    case EXCEPTION_PROGRAM: on_program(c, address); break;
    case EXCEPTION_EMULATION_ASSIST:
        c->prefixed = fetch_instruction(c, address, &word) && is_prefix(c, word);
        if (!word || !(emulate_missing(c, address, word) || emulate(c, address, word)))
            deliver(c, 0x700, address, PROGRAM_ILLEGAL);
        c->prefixed = false;
        break;
    case EXCEPTION_DATA_STORAGE: /* the core raises it for one reason only */
        if (fetch_instruction(c, address, &word)) /* where RB stands, these have the function */
            *spr(c, SPR_DAR) = effective_address(c, RA(word) ? *gpr(c, RA(word)) : 0);
        *spr(c, SPR_DSISR) = CAUSE_ATOMIC_FUNCTION;
        deliver(c, 0x300, address, 0);
        break;
    case EXCEPTION_HYPERVISOR_FACILITY_UNAVAILABLE: /* what no partition is given */
        deliver(c, 0x700, address, PROGRAM_ILLEGAL);
        break;
    case EXCEPTION_ALIGNMENT:
        if (fetch_instruction(c, address, &word)) {
            if (c->shared && emulate_reserved(c, address, word))
                break;
            *spr(c, SPR_DAR) = operand_address(c, word);
        }
        deliver(c, 0x600, address, 0);
        break;
    case EXCEPTION_FP_UNAVAILABLE: on_switched_off(c, address, 0x800); break;
    case EXCEPTION_VMX_UNAVAILABLE: on_switched_off(c, address, 0xf20); break;
    case EXCEPTION_VSX_UNAVAILABLE: on_switched_off(c, address, 0xf40); break;
    case EXCEPTION_FACILITY_UNAVAILABLE: on_facility(c, address); break;
    default:
        c->unknown_exception = number;
        c->api.emu_stop(uc);
    }
}
