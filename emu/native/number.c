/* Binary floating-point numbers: taken apart, computed with in 256 bits, rounded and put together
   again. */
#include "floating.h"

#define TOP ((bits128)1 << 127)
#define ONES(n) ((n) ? ~(bits128)0 >> (128 - (n)) : 0)

const format half_format = {11, 5, 24}, single_format = {24, 8, 192},
             double_format = {53, 11, 1536}, quad_format = {113, 15, 24576},
             extended_format = {64, 15, 24576};

static int bias(const format *f) { return (1 << (f->exponent_bits - 1)) - 1; }

static int least_exponent(const format *f) { return 1 - bias(f); }

static unsigned leading_zeros(bits128 value)
{
    uint64_t upper = (uint64_t)(value >> 64), lower = (uint64_t)value;
    return upper ? (unsigned)__builtin_clzll(upper)
                 : 64 + (lower ? (unsigned)__builtin_clzll(lower) : 64);
}

/* ---- taken apart -------------------------------------------------------------------------- */

/* Moves the first bit of a significand to the left end. */
static void normalize(number *n)
{
    if (!n->high) {
        n->high = n->low;
        n->low = 0;
        n->exponent -= 128;
    }
    if (!n->high) {
        n->kind = ZERO;
        return;
    }
    unsigned shift = leading_zeros(n->high);
    if (shift) {
        n->high = n->high << shift | n->low >> (128 - shift);
        n->low <<= shift;
        n->exponent -= (int)shift;
    }
}

number number_unpack(bits128 bits, const format *f)
{
    unsigned fraction_bits = f->precision - 1u;
    int exponent = (int)(bits >> fraction_bits & ONES(f->exponent_bits));
    number n = {.negative = bits >> (fraction_bits + f->exponent_bits) & 1,
                .high = (bits & ONES(fraction_bits)) << (128 - fraction_bits)};
    if (exponent == (int)ONES(f->exponent_bits)) {
        n.kind = n.high ? NAN_ : INFINITE;
    } else if (exponent) {
        n.kind = FINITE;
        n.high = n.high >> 1 | TOP;
        n.exponent = exponent - bias(f);
    } else if (n.high) {
        n.kind = FINITE;
        n.exponent = least_exponent(f) - 1;
        normalize(&n);
    } else {
        n.kind = ZERO;
    }
    return n;
}

number number_of_integer(bits128 magnitude, bool negative)
{
    number n = {.kind = FINITE, .negative = negative, .exponent = 127, .high = magnitude};
    normalize(&n);
    if (n.kind == ZERO)
        n.negative = false;
    return n;
}

number number_default_nan(void) { return (number){.kind = NAN_, .high = TOP}; }

bool number_is_signaling(const number *n) { return n->kind == NAN_ && !(n->high & TOP); }

void number_quieten(number *n) { n->high |= TOP; }

/* ---- computed with ------------------------------------------------------------------------ */

/* To the right; what is lost lives on in the last bit. */
static void shift_right(number *n, unsigned count)
{
    bits128 lost = 0;
    if (count >= 256) {
        lost = n->high | n->low;
        n->high = n->low = 0;
    } else if (count >= 128) {
        lost = n->low | (n->high & ONES(count - 128));
        n->low = count == 128 ? n->high : n->high >> (count - 128);
        n->high = 0;
    } else if (count) {
        lost = n->low & ONES(count);
        n->low = n->low >> count | n->high << (128 - count);
        n->high >>= count;
    }
    n->low |= lost != 0;
}

number number_add(number a, number b, unsigned rounding)
{
    if (a.kind == ZERO && b.kind == ZERO) {
        a.negative = a.negative == b.negative ? a.negative : rounding == ROUND_DOWN;
        return a;
    }
    if (a.kind == ZERO)
        return b;
    if (b.kind == ZERO)
        return a;
    if (a.exponent < b.exponent) {
        number other = a;
        a = b;
        b = other;
    }
    shift_right(&b, (unsigned)(a.exponent - b.exponent) + 1);
    shift_right(&a, 1);
    a.exponent++;
    if (a.negative == b.negative) {
        a.low += b.low;
        a.high += b.high + (a.low < b.low);
    } else {
        if (a.high < b.high || (a.high == b.high && a.low < b.low)) {
            bits128 high = a.high, low = a.low;
            a.high = b.high, a.low = b.low;
            b.high = high, b.low = low;
            a.negative = b.negative;
        }
        a.high -= b.high + (a.low < b.low);
        a.low -= b.low;
    }
    normalize(&a);
    if (a.kind == ZERO)
        a.negative = rounding == ROUND_DOWN;
    return a;
}

/* Factors have at most 128 bits. */
number number_multiply(number a, number b)
{
    number n = {.kind = ZERO, .negative = a.negative != b.negative};
    if (a.kind == ZERO || b.kind == ZERO)
        return n;
    uint64_t a1 = (uint64_t)(a.high >> 64), a0 = (uint64_t)a.high;
    uint64_t b1 = (uint64_t)(b.high >> 64), b0 = (uint64_t)b.high;
    bits128 low = (bits128)a0 * b0, middle = (bits128)a1 * b0, other = (bits128)a0 * b1;
    bits128 carried = (low >> 64) + (uint64_t)middle + (uint64_t)other;
    n.kind = FINITE;
    n.exponent = a.exponent + b.exponent + 1;
    n.low = carried << 64 | (uint64_t)low;
    n.high = (bits128)a1 * b1 + (middle >> 64) + (other >> 64) + (carried >> 64);
    normalize(&n);
    return n;
}

/* A divisor has at most 127 bits; what is left of a longer dividend is not lost. */
number number_divide(number a, number b)
{
    number n = {.kind = ZERO, .negative = a.negative != b.negative};
    if (a.kind == ZERO)
        return n;
    bits128 remainder = a.high >> 1, divisor = b.high >> 1, quotient = 0;
    n.kind = FINITE;
    n.exponent = a.exponent - b.exponent;
    for (int bit = 0; bit < 127; bit++) {
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1;
        }
        remainder <<= 1;
    }
    n.high = quotient << 1 | (remainder || a.high & 1 || b.high & 1);
    normalize(&n);
    return n;
}

number number_square_root(number a)
{
    if (a.kind == ZERO)
        return a;
    bool odd = a.exponent & 1;
    bits128 left = odd ? a.high : a.high >> 1, remainder = 0, root = 0;
    a.exponent = (a.exponent - odd) / 2;
    for (int bit = 0; bit < 124; bit++) {
        remainder = remainder << 2 | left >> 126;
        left <<= 2;
        bits128 trial = root << 2 | 1;
        root <<= 1;
        if (remainder >= trial) {
            remainder -= trial;
            root |= 1;
        }
    }
    a.high = root << 4 | (remainder || left);
    normalize(&a);
    return a;
}

/* ---- rounded and put together ------------------------------------------------------------- */

static bool increments(unsigned rounding, bool negative, bool odd, bool half, bool rest)
{
    switch (rounding) {
    case ROUND_NEAREST: return half && (rest || odd);
    case ROUND_AWAY: return half;
    case ROUND_UP: return !negative && (half || rest);
    case ROUND_DOWN: return negative && (half || rest);
    case ROUND_ODD: return !odd && (half || rest);
    default: return false;
    }
}

static bits128 pack(bool negative, unsigned exponent, bits128 fraction, const format *f)
{
    unsigned fraction_bits = f->precision - 1u;
    return (bits128)negative << (fraction_bits + f->exponent_bits)
           | ((bits128)exponent & ONES(f->exponent_bits)) << fraction_bits
           | (fraction & ONES(fraction_bits));
}

static uint64_t class_of(bool negative, unsigned positive_class, unsigned negative_class)
{
    return (uint64_t)(negative ? negative_class : positive_class) << FP_FPRF_SHIFT;
}

static bits128 pack_infinity(bool negative, const format *container, uint64_t *told)
{
    *told |= class_of(negative, 0x05, 0x09);
    return pack(negative, ~0u, 0, container);
}

static bits128 pack_special(const number *n, const format *to, const format *container,
                            uint64_t *told)
{
    switch (n->kind) {
    case NAN_: {
        bits128 kept = n->high >> (129 - to->precision) << (129 - to->precision);
        *told |= (uint64_t)CLASS_QNAN << FP_FPRF_SHIFT;
        return pack(n->negative, ~0u, kept >> (129 - container->precision), container);
    }
    case INFINITE: return pack_infinity(n->negative, container, told);
    default: *told |= class_of(n->negative, 0x02, 0x12); return pack(n->negative, 0, 0, container);
    }
}

/* `significand` has at most the bits of `to`, the last of them for 2^last. */
static bits128 pack_finite(bool negative, bits128 significand, int last, const format *container)
{
    if (!significand)
        return pack(negative, 0, 0, container);
    unsigned length = 128 - leading_zeros(significand);
    int exponent = last + (int)length - 1, fraction_last = exponent - (container->precision - 1);
    if (exponent < least_exponent(container)) {
        fraction_last = least_exponent(container) - (container->precision - 1);
        exponent = -bias(container);
    }
    bits128 fraction = fraction_last <= last ? significand << (last - fraction_last) : 0;
    return pack(negative, (unsigned)(exponent + bias(container)), fraction, container);
}

/* Beyond the format's largest number, with exceptions of overflow not enabled. */
static bits128 overflow(bool negative, const format *to, const format *container,
                        unsigned rounding, uint64_t *told)
{
    bool infinite = rounding == ROUND_NEAREST || rounding == ROUND_AWAY
                    || rounding == (negative ? ROUND_DOWN : ROUND_UP);
    *told |= FP_OX | FP_XX | FP_FI;
    *told &= ~FP_FR;
    if (infinite) {
        *told |= FP_FR;
        return pack_infinity(negative, container, told);
    }
    *told |= class_of(negative, 0x04, 0x08);
    return pack_finite(negative, ONES(to->precision), bias(to) - (to->precision - 1), container);
}

bits128 number_round(number n, const format *to, const format *container, unsigned rounding,
                     uint64_t enabled, uint64_t *told)
{
    if (n.kind != FINITE)
        return pack_special(&n, to, container, told);
    unsigned precision = to->precision;
    int least = least_exponent(to);
    bool tiny = n.exponent < least, scaled = tiny && enabled & FP_UE;
    if (tiny && !scaled) {
        shift_right(&n, (unsigned)(least - n.exponent));
        n.exponent = least;
    }
    bits128 kept = n.high >> (128 - precision), rest = n.high << precision;
    bool half = rest >> 127, more = rest << 1 || n.low, inexact = half || more;
    bool up = increments(rounding, n.negative, kept & 1, half, more);
    kept += up;
    if (kept >> precision) {
        kept >>= 1;
        n.exponent++;
    }
    if (inexact)
        *told |= FP_XX | FP_FI | (up ? FP_FR : 0);
    if (scaled) {
        *told |= FP_UX;
        n.exponent += to->scale;
    } else if (tiny && inexact) {
        *told |= FP_UX;
    } else if (n.exponent > bias(to)) {
        if (!(enabled & FP_OE))
            return overflow(n.negative, to, container, rounding, told);
        *told |= FP_OX;
        n.exponent -= to->scale;
    }
    bool denormal = !(kept >> (precision - 1));
    *told |= !kept      ? class_of(n.negative, 0x02, 0x12)
             : denormal ? class_of(n.negative, 0x14, 0x18)
                        : class_of(n.negative, 0x04, 0x08);
    return pack_finite(n.negative, kept, n.exponent - (int)(precision - 1), container);
}

bool number_to_integer(const number *n, unsigned rounding, bits128 *magnitude, uint64_t *told)
{
    number at = *n;
    *magnitude = 0;
    if (at.kind == ZERO)
        return true;
    if (at.kind != FINITE || at.exponent > 127)
        return false;
    /* the bit for 1 becomes the last one of the upper half */
    shift_right(&at, (unsigned)(127 - at.exponent));
    bool half = at.low >> 127, more = at.low << 1;
    bool up = increments(rounding, at.negative, at.high & 1, half, more);
    *magnitude = at.high + up;
    if (half || more)
        *told |= FP_XX | FP_FI | (up ? FP_FR : 0);
    return *magnitude || !up;
}
