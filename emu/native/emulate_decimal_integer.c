/* Between decimal floating point of two registers and signed quadword integers: dcffixqq and
   dctfixqq (Power ISA v3.1, I 5.6.5; the format, I 5.3 and appendix B). */
#include "emulate.h"

#define EXPONENT_BIAS 6176
#define DECLETS 11
#define DIGITS 34
#define ROUNDING_SHIFT 32 /* of DRN in FPSCR */
#define SIGN ((quadword)1 << 127)

enum { CLASS_PLUS = 0x04, CLASS_MINUS = 0x08, CLASS_ZERO = 0x02, CLASS_SHIFT = 12 };

static quadword power_of_ten(unsigned n)
{
    quadword result = 1;
    while (n--)
        result *= 10;
    return result;
}

/* ---- the format ------------------------------------------------------------------------------ */

typedef struct {
    bool minus, infinite, nan, signaling;
    int exponent;
    quadword digits;
} decimal;

static decimal unpack(quadword image)
{
    unsigned combination = (unsigned)(image >> 122) & 31, top, digit;
    decimal number = {.minus = image >> 127};
    if (combination >= 30) {
        number.infinite = combination == 30;
        number.nan = combination == 31;
        number.signaling = number.nan && image >> 121 & 1;
        return number;
    }
    top = combination >= 24 ? combination >> 1 & 3 : combination >> 3;
    digit = combination >= 24 ? 8 + (combination & 1) : combination & 7;
    number.exponent = (int)(top << 12 | ((unsigned)(image >> 110) & 0xfff)) - EXPONENT_BIAS;
    number.digits = digit;
    for (int n = DECLETS - 1; n >= 0; n--) {
        unsigned three = digits_of_declet((unsigned)(image >> 10 * n) & 0x3ff);
        number.digits = number.digits * 1000 + (three >> 8) * 100 + (three >> 4 & 15) * 10
                        + (three & 15);
    }
    return number;
}

static quadword pack(const decimal *number)
{
    unsigned biased = (unsigned)(number->exponent + EXPONENT_BIAS), top = biased >> 12;
    quadword image = 0, digits = number->digits;
    for (int n = 0; n < DECLETS; n++, digits /= 1000) {
        unsigned three = (unsigned)(digits % 1000);
        unsigned packed = three / 100 << 8 | three / 10 % 10 << 4 | three % 10;
        image |= (quadword)declet_of_digits(packed) << 10 * n;
    }
    unsigned first = (unsigned)digits;
    unsigned combination = first >= 8 ? 24 | top << 1 | (first & 1) : top << 3 | first;
    return image | (quadword)(biased & 0xfff) << 110 | (quadword)combination << 122
           | (number->minus ? SIGN : 0);
}

/* ---- rounding -------------------------------------------------------------------------------- */

enum { NEAREST_EVEN, TO_ZERO, UP, DOWN, NEAREST_AWAY, NEAREST_TO_ZERO, AWAY, FOR_SHORTER };

/* Whether a magnitude grows by one: `digit` is its last one; what was cut off compares with a half
   as `half` says, and is not 0. */
static bool grows(unsigned mode, bool minus, unsigned digit, int half)
{
    switch (mode) {
    case NEAREST_EVEN: return half > 0 || (half == 0 && digit & 1);
    case TO_ZERO: return false;
    case UP: return !minus;
    case DOWN: return minus;
    case NEAREST_AWAY: return half >= 0;
    case NEAREST_TO_ZERO: return half > 0;
    case AWAY: return true;
    default: return digit == 0 || digit == 5;
    }
}

/* Without its last `places` decimal digits, of which there are at most 38. */
static quadword shortened(quadword value, unsigned places, unsigned mode, bool minus,
                          uint64_t *found)
{
    quadword unit = power_of_ten(places), rest = value % unit, half = unit / 2;
    value /= unit;
    if (!rest)
        return value;
    *found |= FPSCR_XX | FPSCR_FI;
    if (!grows(mode, minus, (unsigned)(value % 10), (rest > half) - (rest < half)))
        return value;
    *found |= FPSCR_FR;
    return value + 1;
}

static unsigned rounding(core *c)
{
    return (unsigned)(core_fpscr(c) >> ROUNDING_SHIFT) & 7;
}

/* ---- the two --------------------------------------------------------------------------------- */

static enum emulated from_integer(core *c, uint64_t address, uint32_t word)
{
    quadword value = vsr_of(c->env, 32 + RB(word))->q;
    decimal number = {.minus = value & SIGN};
    uint64_t found = 0;
    unsigned places = 0;
    value = number.minus ? -value : value;
    while (value / power_of_ten(places) >= power_of_ten(DIGITS))
        places++;
    number.digits = shortened(value, places, rounding(c), number.minus, &found);
    if (number.digits == power_of_ten(DIGITS)) {
        number.digits /= 10;
        places++;
    }
    number.exponent = (int)places;
    quadword image = pack(&number);
    unsigned class = !value ? CLASS_ZERO : number.minus ? CLASS_MINUS : CLASS_PLUS;
    found |= (uint64_t)class << CLASS_SHIFT;
    vsr_of(c->env, RT(word))->q = image >> 64 << 64;
    vsr_of(c->env, RT(word) + 1)->q = image << 64;
    return raise_floating(c, address, found, FPSCR_FI | FPSCR_FR | FPSCR_FPRF, NULL, 0);
}

/* What does not fit becomes the nearest integer that does, a NaN the least one. */
static quadword to_integer(const decimal *number, unsigned mode, uint64_t *found)
{
    quadword most = number->minus ? SIGN : SIGN - 1, magnitude = number->digits;
    if (number->nan || number->infinite) {
        *found = FPSCR_VXCVI | (number->signaling ? FPSCR_VXSNAN : 0);
        return number->nan || number->minus ? SIGN : SIGN - 1;
    }
    if (number->exponent < -(DIGITS + 1)) /* all of it is cut off, and less than a half */
        magnitude = magnitude ? shortened(1, 2, mode, number->minus, found) : 0;
    else if (number->exponent < 0)
        magnitude = shortened(magnitude, (unsigned)-number->exponent, mode, number->minus, found);
    for (int n = 0; magnitude && n < number->exponent && magnitude <= most; n++)
        magnitude = magnitude > most / 10 ? ~(quadword)0 : magnitude * 10;
    if (magnitude > most) {
        *found = FPSCR_VXCVI;
        return most;
    }
    return number->minus ? -magnitude : magnitude;
}

static enum emulated from_decimal(core *c, uint64_t address, uint32_t word)
{
    quadword image = (vsr_of(c->env, RB(word))->q >> 64 << 64)
                     | vsr_of(c->env, RB(word) + 1)->q >> 64;
    decimal number = unpack(image);
    uint64_t found = 0;
    quadword result = to_integer(&number, rounding(c), &found);
    return raise_floating(c, address, found, FPSCR_FI | FPSCR_FR,
                          &vsr_of(c->env, 32 + RT(word))->q, result);
}

enum emulated emulate_decimal_integer(core *c, uint64_t address, uint32_t word)
{
    bool to = RA(word) == 1;
    if (XO_X(word) != 994 || RA(word) > 1 || (to ? RB(word) : RT(word)) & 1)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_FP) || !facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    return to ? from_decimal(c, address, word) : from_integer(c, address, word);
}
