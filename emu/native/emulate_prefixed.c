/* Prefixed instructions: primary opcode 1, then a suffix (Power ISA v3.1, I 1.6.3).

   The core knows none of them, so a block of translated code ends at a prefix; the two words are
   one instruction to the clock, to a debugger and to SRR0. */
#include "emulate.h"

#define FSCR_PREFIX (1ull << 13)
#define FACILITY_PREFIX 13ull
#define CROSSES_BOUNDARY 0x10000000ull /* SRR1[35] */
#define BOUNDARY 64

#define MATRIX 9 /* subtype of what has masks: MMIRR */

enum type { TYPE_8LS, TYPE_8RR, TYPE_MLS, TYPE_MRR };

/* Fields of the prefix. */
#define TYPE(prefix) ((prefix) >> 24 & 3)
#define SUBTYPE(prefix) ((prefix) >> 20 & 15) /* of four bits; the others' is the first of them */
#define FROM_CIA(prefix) ((prefix) >> 20 & 1) /* R */
#define HIGH_IMMEDIATE(prefix) ((prefix) & 0x3ffff)

/* Immediates of 34 bits, signed, and of 32. */
static int64_t displacement(uint32_t prefix, uint32_t suffix)
{
    uint64_t value = (uint64_t)HIGH_IMMEDIATE(prefix) << 16 | (suffix & 0xffff);
    return (int64_t)(value << 30) >> 30;
}

static uint32_t immediate(uint32_t prefix, uint32_t suffix)
{
    return prefix << 16 | (suffix & 0xffff);
}

/* ---- storage (types 8LS and MLS) ------------------------------------------------------------ */

/* What is loaded or stored. */
enum operand {
    NOTHING,
    GENERAL,
    ALGEBRAIC,
    PAIR,
    FLOATING,
    FLOATING_SINGLE,
    SCALAR, /* doubleword 0 of a vector register */
    SCALAR_SINGLE,
    VECTOR,
    VECTOR_PAIR,
};

typedef struct {
    uint8_t operand, length;
    bool store;
} access;

static const access accesses[2][64] = {
    [0] = {[41] = {ALGEBRAIC, 4, false},
           [42] = {SCALAR, 8, false},
           [43] = {SCALAR_SINGLE, 4, false},
           [46] = {SCALAR, 8, true},
           [47] = {SCALAR_SINGLE, 4, true},
           [50] = {VECTOR, 16, false},
           [51] = {VECTOR, 16, false},
           [54] = {VECTOR, 16, true},
           [55] = {VECTOR, 16, true},
           [56] = {PAIR, 16, false},
           [57] = {GENERAL, 8, false},
           [58] = {VECTOR_PAIR, 32, false},
           [60] = {PAIR, 16, true},
           [61] = {GENERAL, 8, true},
           [62] = {VECTOR_PAIR, 32, true}},
    [1] = {[32] = {GENERAL, 4, false},
           [34] = {GENERAL, 1, false},
           [36] = {GENERAL, 4, true},
           [38] = {GENERAL, 1, true},
           [40] = {GENERAL, 2, false},
           [42] = {ALGEBRAIC, 2, false},
           [44] = {GENERAL, 2, true},
           [48] = {FLOATING_SINGLE, 4, false},
           [50] = {FLOATING, 8, false},
           [52] = {FLOATING_SINGLE, 4, true},
           [54] = {FLOATING, 8, true}},
};

static access access_of(uint32_t prefix, uint32_t suffix)
{
    bool modified = TYPE(prefix) == TYPE_MLS;
    return modified || TYPE(prefix) == TYPE_8LS ? accesses[modified][suffix >> 26] : (access){0};
}

int prefixed_accesses(core *c, uint64_t address, uint32_t prefix)
{
    uint32_t suffix;
    if (address % BOUNDARY == BOUNDARY - 4 || !fetch_instruction(c, address + 4, &suffix))
        return 0;
    access what = access_of(prefix, suffix);
    return !what.operand ? 0 : what.store ? ACCESSES_STORE : ACCESSES_LOAD;
}

static unsigned vsr_of_suffix(uint32_t suffix) { return (suffix >> 26 & 1) << 5 | RT(suffix); }

static uint64_t facility_of(enum operand operand, uint32_t suffix)
{
    switch (operand) {
    case FLOATING:
    case FLOATING_SINGLE: return MSR_FP;
    case SCALAR:
    case SCALAR_SINGLE: return MSR_VEC;
    case VECTOR: return vsr_of_suffix(suffix) < 32 ? MSR_VSX : MSR_VEC;
    case VECTOR_PAIR: return MSR_VSX;
    default: return 0;
    }
}

/* The register of a scalar or a vector. */
static vsr_value *vsr_operand(core *c, enum operand operand, uint32_t suffix)
{
    unsigned number = operand == VECTOR                              ? vsr_of_suffix(suffix)
                      : operand == SCALAR || operand == SCALAR_SINGLE ? 32 + RT(suffix)
                                                                      : RT(suffix);
    return vsr_of(c->env, number);
}

static void take(core *c, access what, uint32_t suffix, quadword value)
{
    vsr_value *vsr = vsr_operand(c, what.operand, suffix);
    unsigned shift = 64 - 8 * what.length;
    switch (what.operand) {
    case GENERAL: *gpr(c, RT(suffix)) = (uint64_t)value; break;
    case ALGEBRAIC:
        *gpr(c, RT(suffix)) = (uint64_t)((int64_t)((uint64_t)value << shift) >> shift);
        break;
    case PAIR: { /* in either byte order the first register has the first doubleword */
        bool little = msr(c) & MSR_LE;
        *gpr(c, RT(suffix) + little) = (uint64_t)(value >> 64);
        *gpr(c, RT(suffix) + !little) = (uint64_t)value;
        break;
    }
    case FLOATING_SINGLE:
    case SCALAR_SINGLE: vsr->q = (quadword)single_to_double((uint32_t)value) << 64; break;
    case FLOATING:
    case SCALAR: vsr->q = value << 64; break;
    default: vsr->q = value;
    }
}

static quadword given(core *c, access what, uint32_t suffix)
{
    const vsr_value *vsr = vsr_operand(c, what.operand, suffix);
    switch (what.operand) {
    case PAIR: {
        bool little = msr(c) & MSR_LE;
        return (quadword)*gpr(c, RT(suffix) + little) << 64 | *gpr(c, RT(suffix) + !little);
    }
    case FLOATING_SINGLE:
    case SCALAR_SINGLE: return double_to_single(DWORD(vsr, 0));
    case FLOATING:
    case SCALAR: return DWORD(vsr, 0);
    case VECTOR: return vsr->q;
    default: return *gpr(c, RT(suffix));
    }
}

static enum emulated access_storage(core *c, uint64_t address, access what, uint64_t effective,
                                    uint32_t suffix)
{
    uint64_t facility = facility_of(what.operand, suffix);
    quadword value;
    if (what.operand == PAIR
        && (RT(suffix) & 1 || (!what.store && RT(suffix) == RA(suffix))))
        return NOT_THERE;
    if (facility && !facility_on(c, address, facility))
        return INTERRUPTED;
    if (what.operand == VECTOR_PAIR)
        return (what.store ? store_pair : load_pair)(c, address, VSR_PAIR(suffix), effective);
    if (what.store)
        return store_storage(c, address, effective, what.length, given(c, what, suffix))
                   ? DONE
                   : INTERRUPTED;
    if (!load_storage(c, address, effective, what.length, &value))
        return INTERRUPTED;
    take(c, what, suffix, value);
    return DONE;
}

static enum emulated displaced(core *c, uint64_t address, uint32_t prefix, uint32_t suffix)
{
    access what = access_of(prefix, suffix);
    bool adds = TYPE(prefix) == TYPE_MLS && suffix >> 26 == 14; /* paddi */
    if (SUBTYPE(prefix) & 8 || (FROM_CIA(prefix) && RA(suffix)) || !(what.operand || adds))
        return NOT_THERE;
    uint64_t base = FROM_CIA(prefix) ? address : RA(suffix) ? *gpr(c, RA(suffix)) : 0;
    uint64_t sum = base + (uint64_t)displacement(prefix, suffix);
    if (!adds)
        return access_storage(c, address, what, effective_address(c, sum), suffix);
    *gpr(c, RT(suffix)) = sum;
    return DONE;
}

/* ---- registers (type 8RR) ------------------------------------------------------------------- */

static quadword splat(uint64_t doubleword) { return (quadword)doubleword << 64 | doubleword; }

static enum emulated splat_immediate(core *c, uint32_t prefix, uint32_t suffix)
{
    vsr_value *t = vsr_of(c->env, (suffix >> 16 & 1) << 5 | RT(suffix));
    uint32_t value = immediate(prefix, suffix);
    switch (suffix >> 17 & 15) {
    case 0: /* xxsplti32dx, IX 0 and 1 */
    case 1:
        for (unsigned n = suffix >> 17 & 1; n < 4; n += 2)
            WORD(t, n) = value;
        return DONE;
    case 2: t->q = splat(single_to_double(value)); return DONE; /* xxspltidp */
    case 3: t->q = splat((uint64_t)value << 32 | value); return DONE; /* xxspltiw */
    default: return NOT_THERE;
    }
}

/* Elements of A or B by the first bits of C's. */
static quadword blend(quadword a, quadword b, quadword c, unsigned bits)
{
    quadword chosen = 0;
    for (unsigned n = 0; n < 128 / bits; n++)
        if (element(c, bits, n) >> (bits - 1))
            chosen |= at_element(ones(bits), bits, n);
    return (a & ~chosen) | (b & chosen);
}

static quadword permute_extended(quadword a, quadword b, quadword c, unsigned section)
{
    quadword result = 0;
    for (unsigned n = 0; n < 16; n++) {
        unsigned index = (unsigned)element(c, 8, n);
        if (index >> 5 == section)
            result |= at_element(element(index & 16 ? b : a, 8, index & 15), 8, n);
    }
    return result;
}

/* Bit n of the function tells the result where A, B and C are the bits of n. */
static quadword evaluate(quadword a, quadword b, quadword c, unsigned function)
{
    quadword result = 0;
    for (unsigned n = 0; n < 8; n++)
        if (function >> (7 - n) & 1)
            result |= (n & 4 ? a : ~a) & (n & 2 ? b : ~b) & (n & 1 ? c : ~c);
    return result;
}

static enum emulated combine(core *c, uint32_t prefix, uint32_t suffix)
{
    unsigned variant = suffix >> 4 & 3;
    bool blends = suffix >> 26 == 33;
    quadword a = vsr_of(c->env, VSR_A(suffix))->q, b = vsr_of(c->env, VSR_B(suffix))->q,
             third = vsr_of(c->env, VSR_C(suffix))->q, result;
    if (blends)
        result = blend(a, b, third, 8u << variant);
    else if (variant == 0)
        result = permute_extended(a, b, third, prefix & 7);
    else if (variant == 1)
        result = evaluate(a, b, third, prefix & 0xff);
    else
        return NOT_THERE;
    vsr_of(c->env, VSR_T(suffix))->q = result;
    return DONE;
}

static enum emulated of_registers(core *c, uint64_t address, uint32_t prefix, uint32_t suffix)
{
    bool there = suffix >> 26 == 32   ? (suffix >> 17 & 15) <= 3
                 : suffix >> 26 == 33 ? true
                                      : suffix >> 26 == 34 && (suffix >> 4 & 3) <= 1;
    if (SUBTYPE(prefix) || !there)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    return suffix >> 26 == 32 ? splat_immediate(c, prefix, suffix) : combine(c, prefix, suffix);
}

/* ---- which one ------------------------------------------------------------------------------ */

/* Suffixes that pnop may not have: branches, rfebb, context synchronizing instructions but isync,
   attn (I 3.3.20). */
static bool suits_nothing(uint32_t suffix)
{
    unsigned extended = XO_X(suffix);
    switch (suffix >> 26) {
    case 16: case 17: case 18: return false;
    case 19: return extended != 16 && extended != 528 && extended != 560 && extended != 146
                    && extended != 18 && extended != 82 && extended != 274 && extended != 306
                    && extended != 370;
    case 31: return extended != 146 && extended != 178;
    default: return suffix >> 26 || extended != 256;
    }
}

static enum emulated carry_out(core *c, uint64_t address, uint32_t prefix, uint32_t suffix)
{
    switch ((enum type)TYPE(prefix)) {
    case TYPE_8LS:
    case TYPE_MLS: return displaced(c, address, prefix, suffix);
    case TYPE_8RR: return of_registers(c, address, prefix, suffix);
    case TYPE_MRR:
        if (SUBTYPE(prefix) == MATRIX)
            return emulate_matrix(c, address, prefix, suffix);
        return SUBTYPE(prefix) == 0 && suits_nothing(suffix) ? DONE : NOT_THERE;
    }
    return NOT_THERE;
}

bool is_prefix(const core *c, uint32_t word) { return c->isa >= ISA_3_1 && word >> 26 == 1; }

enum emulated emulate_prefixed(core *c, uint64_t address, uint32_t prefix)
{
    uint32_t suffix;
    if (!is_prefix(c, prefix))
        return NOT_THERE;
    if (address % BOUNDARY == BOUNDARY - 4) {
        *spr(c, SPR_DAR) = address;
        deliver(c, 0x600, address, CROSSES_BOUNDARY);
        return INTERRUPTED;
    }
    if (msr(c) & MSR_PR && !(*spr(c, SPR_FSCR) & FSCR_PREFIX)) {
        facility_unavailable(c, address, FACILITY_PREFIX);
        return INTERRUPTED;
    }
    if (!fetch_instruction(c, address + 4, &suffix)) /* lies in the prefix's page */
        return NOT_THERE;
    enum emulated how = carry_out(c, address, prefix, suffix);
    if (how == DONE)
        *nip(c) = effective_address(c, address + 8);
    return how;
}
