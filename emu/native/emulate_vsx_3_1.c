/* Vector-scalar instructions of ISA 3.1, primary opcodes 6, 60 and 63, but for those of quad
   precision (Power ISA v3.1, I 7.6). */
#include "emulate_vsx_3_1.h"

#define XO_XX2(word) ((word) >> 2 & 0x1ff)
#define BF(word) ((word) >> 23 & 7)
#define DISPLACEMENT_DQ(word) ((int64_t)(int16_t)((word) & 0xfff0))

/* Doubleword 0 of the constants of lxvkq from 1 on: 1.0 to 7.0, infinity, a NaN.  16 more is the same
   with a minus; so is 16 itself for 0, and there is no negative NaN. */
static const uint64_t constants[] = {
    0,
    0x3fff000000000000, 0x4000000000000000, 0x4000800000000000, 0x4001000000000000,
    0x4001400000000000, 0x4001800000000000, 0x4001c00000000000, 0x7fff000000000000,
    0x7fff800000000000,
};

static enum emulated load_constant(core *c, uint64_t address, uint32_t word)
{
    unsigned number = RB(word) & 15, minus = RB(word) >> 4;
    if (RA(word) != 31 || number > 9 || RB(word) == 0 || RB(word) == 25)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    vsr_of(c->env, VSR_T(word))->q = (quadword)(constants[number] | (uint64_t)minus << 63) << 64;
    return DONE;
}

/* ---- control vectors of permutations --------------------------------------------------------- */

/* Elements of `size` bytes whose sign is set are taken one after another: where each of them goes
   to (expand), or which one stands in each place (compress).  Counted from the left, or from the
   right for little-endian code. */
static quadword control_vector(quadword mask, unsigned size, bool little, bool compress)
{
    quadword result = 0;
    unsigned next = 0;
    for (unsigned n = 0; n < 16 / size; n++) {
        unsigned from_left = little ? 16 / size - 1 - n : n;
        bool set = element(mask, 8 * size, from_left) >> (8 * size - 1);
        if (compress && !set)
            continue;
        for (unsigned k = 0; k < size; k++) {
            unsigned place = (compress ? next : n) * size + k;
            unsigned value = compress ? n * size + k : set ? next * size + k : 16 + place;
            result |= at_element(value, 8, little ? 15 - place : place);
        }
        next += set;
    }
    return result;
}

static enum emulated generate_control(core *c, uint64_t address, uint32_t word, unsigned size)
{
    if (RA(word) > 3)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    vsr_of(c->env, VSR_T(word))->q = control_vector(vsr_of(c->env, 32 + RB(word))->q, size,
                                                    RA(word) & 2, RA(word) & 1);
    return DONE;
}

/* ---- bfloat16, and a test ---------------------------------------------------------------------- */

/* `value` without its low `places` bits, as the rounding mode says. */
quadword rounded(quadword value, unsigned places, unsigned mode, bool minus)
{
    quadword rest = value & ones(places), half = (quadword)1 << (places - 1);
    value >>= places;
    switch (mode) {
    case 0: return value + (rest > half || (rest == half && value & 1));
    case 1: return value;
    case 2: return value + (rest && !minus);
    default: return value + (rest && minus);
    }
}

static uint16_t single_to_bfloat(uint32_t single, unsigned mode, uint64_t *causes)
{
    uint32_t magnitude = single & 0x7fffffff;
    uint16_t sign = (uint16_t)(single >> 16 & 0x8000), result;
    if (magnitude > 0x7f800000) {
        *causes |= magnitude & 0x00400000 ? 0 : FPSCR_VXSNAN;
        return (uint16_t)(single >> 16 | 0x40);
    }
    result = (uint16_t)rounded(magnitude, 16, mode, sign);
    if (magnitude & 0xffff) {
        *causes |= FPSCR_XX;
        if (magnitude < 0x00800000)
            *causes |= FPSCR_UX;
        if (result >= 0x7f80)
            *causes |= FPSCR_OX;
    }
    return sign | result;
}

static enum emulated to_bfloats(core *c, uint64_t address, uint32_t word)
{
    vsr_value *b = vsr_of(c->env, VSR_B(word)), result;
    unsigned mode = FPSCR_ROUNDING(core_fpscr(c));
    uint64_t causes = 0;
    for (unsigned n = 0; n < 4; n++)
        WORD(&result, n) = single_to_bfloat(WORD(b, n), mode, &causes);
    return raise_floating(c, address, causes, 0, &vsr_of(c->env, VSR_T(word))->q, result.q);
}

static enum emulated from_bfloats(core *c, uint32_t word)
{
    vsr_value b = *vsr_of(c->env, VSR_B(word)), *t = vsr_of(c->env, VSR_T(word));
    for (unsigned n = 0; n < 4; n++)
        WORD(t, n) = WORD(&b, n) << 16;
    return DONE;
}

/* Whether the last bits of all bytes are 1, or 0. */
static enum emulated test_last_bits(core *c, uint32_t word)
{
    const vsr_value *b = vsr_of(c->env, VSR_B(word));
    uint64_t bits = 0x0101010101010101;
    bool all = (b->d[0] & b->d[1] & bits) == bits, none = !((b->d[0] | b->d[1]) & bits);
    *window32(c->env, ENV_CRF + 4 * BF(word)) = all << 3 | none << 1;
    return DONE;
}

static enum emulated of_two(core *c, uint64_t address, uint32_t word)
{
    unsigned which = RA(word);
    if (which != 2 && which != 16 && which != 17)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    return which == 2    ? test_last_bits(c, word)
           : which == 16 ? from_bfloats(c, word)
                         : to_bfloats(c, address, word);
}

/* ---- which one ------------------------------------------------------------------------------ */

static enum emulated access_pair(core *c, uint64_t address, uint32_t word)
{
    uint64_t base = RA(word) ? *gpr(c, RA(word)) : 0;
    uint64_t effective = effective_address(c, base + (uint64_t)DISPLACEMENT_DQ(word));
    switch (word & 15) {
    case 0: return load_pair(c, address, VSR_PAIR(word), effective);
    case 1: return store_pair(c, address, VSR_PAIR(word), effective);
    default: return NOT_THERE;
    }
}

static enum emulated vector_scalar(core *c, uint64_t address, uint32_t word)
{
    switch (XO_X(word)) {
    case 360: return load_constant(c, address, word);
    case 916: return generate_control(c, address, word, 1);
    case 917: return generate_control(c, address, word, 2);
    case 948: return generate_control(c, address, word, 4);
    case 949: return generate_control(c, address, word, 8);
    default: return XO_XX2(word) == 475 ? of_two(c, address, word) : NOT_THERE;
    }
}

enum emulated emulate_vsx_3_1(core *c, uint64_t address, uint32_t word)
{
    switch (word >> 26) {
    case 6: return access_pair(c, address, word);
    case 60: return vector_scalar(c, address, word);
    case 63:
        return XO_X(word) == 994 ? emulate_decimal_integer(c, address, word)
                                 : emulate_quad(c, address, word);
    default: return NOT_THERE;
    }
}
