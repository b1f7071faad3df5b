/* Quad precision in ISA 3.1: comparisons that give masks, the larger and the smaller one, and
   conversions from and to quadword integers (Power ISA v3.1, I 7.6.3). */
#include "emulate_vsx_3_1.h"

#define SIGN ((quadword)1 << 127)
#define FRACTION 112
#define INFINITE ((quadword)0x7fff << FRACTION)
#define QUIET ((quadword)1 << 111)
#define BIAS 16383
#define CLASS_SHIFT 12

enum { EQUAL, GREATER_OR_EQUAL, GREATER };
enum { ZERO = 0x02, PLUS = 0x04, MINUS = 0x08 }; /* of FPRF */

static bool is_nan(quadword value) { return (value & ~SIGN) > INFINITE; }
static bool is_signaling(quadword value) { return is_nan(value) && !(value & QUIET); }

/* -1, 0, 1: less, equal, greater; of numbers. */
static int compare(quadword a, quadword b)
{
    if (!((a | b) & ~SIGN))
        return 0;
    if ((a ^ b) & SIGN)
        return a & SIGN ? -1 : 1;
    int magnitude = (a > b) - (a < b);
    return a & SIGN ? -magnitude : magnitude;
}

static quadword *target(core *c, uint32_t word) { return &vsr_of(c->env, 32 + RT(word))->q; }

/* ---- comparisons ---------------------------------------------------------------------------- */

static enum emulated compared(core *c, uint64_t address, uint32_t word, int relation)
{
    quadword a = vsr_of(c->env, 32 + RA(word))->q, b = vsr_of(c->env, 32 + RB(word))->q;
    bool unordered = is_nan(a) || is_nan(b), signaling = is_signaling(a) || is_signaling(b);
    bool invalid_enabled = core_fpscr(c) & FPSCR_VE;
    uint64_t causes = signaling ? FPSCR_VXSNAN : 0;
    if (relation != EQUAL && unordered && !(signaling && invalid_enabled))
        causes |= FPSCR_VXVC;
    int order = unordered ? -1 : compare(a, b);
    bool holds = relation == EQUAL ? order == 0 : relation == GREATER ? order > 0 : order >= 0;
    return raise_floating(c, address, causes, 0, target(c, word), holds ? ones(128) : 0);
}

/* C's operator: with a NaN, the second operand. */
static enum emulated chosen(core *c, uint64_t address, uint32_t word, int wanted)
{
    quadword a = vsr_of(c->env, 32 + RA(word))->q, b = vsr_of(c->env, 32 + RB(word))->q;
    bool second = is_nan(a) || is_nan(b) || compare(a, b) != wanted;
    uint64_t causes = is_signaling(a) || is_signaling(b) ? FPSCR_VXSNAN : 0;
    return raise_floating(c, address, causes, 0, target(c, word), second ? b : a);
}

/* ---- conversions ---------------------------------------------------------------------------- */

/* Towards 0; what does not fit becomes the nearest integer that does, a NaN the least one. */
static quadword to_integer(quadword value, bool is_signed, uint64_t *causes)
{
    bool minus = value & SIGN;
    int exponent = (int)(value >> FRACTION & 0x7fff) - BIAS;
    quadword least = is_signed ? SIGN : 0, most = ~least;
    quadword significand = (value & ones(FRACTION)) | (quadword)1 << FRACTION, magnitude;
    if (is_nan(value)) {
        *causes = FPSCR_VXCVI | (is_signaling(value) ? FPSCR_VXSNAN : 0);
        return least;
    }
    if (exponent >= (is_signed ? 127 : 128) && !(is_signed && value == (SIGN | (quadword)(BIAS + 127) << FRACTION))) {
        *causes = FPSCR_VXCVI;
        return minus ? least : most;
    }
    if (exponent < 0) {
        *causes = value & ~SIGN ? FPSCR_XX | FPSCR_FI : 0;
        return 0;
    }
    magnitude = exponent >= FRACTION ? significand << (exponent - FRACTION)
                                     : significand >> (FRACTION - exponent);
    if (minus && !is_signed) {
        *causes = FPSCR_VXCVI;
        return 0;
    }
    if (exponent < FRACTION && significand & ones(FRACTION - exponent))
        *causes = FPSCR_XX | FPSCR_FI;
    return minus ? -magnitude : magnitude;
}

static enum emulated quad_to_integer(core *c, uint64_t address, uint32_t word, bool is_signed)
{
    uint64_t causes = 0;
    quadword result = to_integer(vsr_of(c->env, 32 + RB(word))->q, is_signed, &causes);
    return raise_floating(c, address, causes, FPSCR_FI | FPSCR_FR, target(c, word), result);
}

static unsigned leading_zeros(quadword value)
{
    uint64_t high = (uint64_t)(value >> 64);
    return high ? (unsigned)__builtin_clzll(high) : 64 + (unsigned)__builtin_clzll((uint64_t)value);
}

static quadword from_integer(quadword value, bool is_signed, unsigned mode, uint64_t *found)
{
    bool minus = is_signed && value & SIGN;
    quadword magnitude = minus ? -value : value;
    if (!magnitude) {
        *found = ZERO << CLASS_SHIFT;
        return 0;
    }
    unsigned exponent = 127 - leading_zeros(magnitude);
    *found = (minus ? MINUS : PLUS) << CLASS_SHIFT;
    if (exponent <= FRACTION) {
        magnitude <<= FRACTION - exponent;
    } else {
        unsigned places = exponent - FRACTION;
        quadword exact = magnitude;
        magnitude = rounded(exact, places, mode, minus);
        if (exact & ones(places))
            *found |= FPSCR_XX | FPSCR_FI | (magnitude > exact >> places ? FPSCR_FR : 0);
    }
    /* The leading 1 adds itself to the exponent, and a second one if rounding carried. */
    quadword biased = (quadword)(exponent + BIAS - 1) << FRACTION;
    return (minus ? SIGN : 0) | (biased + magnitude);
}

static enum emulated integer_to_quad(core *c, uint64_t address, uint32_t word, bool is_signed)
{
    uint64_t found;
    quadword result = from_integer(vsr_of(c->env, 32 + RB(word))->q, is_signed,
                                   FPSCR_ROUNDING(core_fpscr(c)), &found);
    return raise_floating(c, address, found, FPSCR_FI | FPSCR_FR | FPSCR_FPRF, target(c, word),
                          result);
}

static enum emulated converted(core *c, uint64_t address, uint32_t word)
{
    switch (RA(word)) {
    case 0: return quad_to_integer(c, address, word, false);
    case 8: return quad_to_integer(c, address, word, true);
    case 3: return integer_to_quad(c, address, word, false);
    default: return integer_to_quad(c, address, word, true);
    }
}

enum emulated emulate_quad(core *c, uint64_t address, uint32_t word)
{
    unsigned which = XO_X(word), kind = RA(word);
    switch (which) {
    case 68: case 196: case 228: case 676: case 740: break;
    case 836:
        if (kind == 0 || kind == 3 || kind == 8 || kind == 11)
            break;
        return NOT_THERE;
    default: return NOT_THERE;
    }
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    switch (which) {
    case 68: return compared(c, address, word, EQUAL);
    case 196: return compared(c, address, word, GREATER_OR_EQUAL);
    case 228: return compared(c, address, word, GREATER);
    case 676: return chosen(c, address, word, 1);
    case 740: return chosen(c, address, word, -1);
    default: return converted(c, address, word);
    }
}
