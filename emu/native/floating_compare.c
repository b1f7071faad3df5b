/* Comparisons of floating point, and the greater and the lesser of two numbers (Power ISA I 4.6.8,
   7.6.3). */
#include "floating.h"

enum { LESS = 8, GREATER = 4, EQUAL = 2, UNORDERED = 1 }; /* of a field of CR */

/* By the bits alone, which for numbers of one format are ordered as they are. */
static unsigned ordered(bits128 a, bits128 b, const format *f)
{
    bits128 sign = (bits128)1 << (f->precision - 1 + f->exponent_bits);
    bits128 x = a & ~sign, y = b & ~sign;
    if (!x && !y)
        return EQUAL;
    if ((a ^ b) & sign)
        return a & sign ? LESS : GREATER;
    return x == y ? EQUAL : (x < y) != !!(a & sign) ? LESS : GREATER;
}

/* With `ordering`, a quiet NaN is invalid, too, and so is a signaling one once more unless it
   interrupts. */
unsigned float_compare(const bits128 *bits, const format *f, bool ordering, uint64_t enabled,
                        uint64_t *told)
{
    number a = number_unpack(bits[0], f), b = number_unpack(bits[1], f);
    bool signaling = number_is_signaling(&a) || number_is_signaling(&b);
    if (a.kind != NAN_ && b.kind != NAN_)
        return ordered(bits[0], bits[1], f);
    if (signaling)
        *told |= FP_VXSNAN;
    if (ordering && !(signaling && enabled & FP_VE))
        *told |= FP_VXVC;
    return UNORDERED;
}

unsigned float_compare_exponents(const bits128 *bits, const format *f)
{
    unsigned fraction = f->precision - 1u, ones = (1u << f->exponent_bits) - 1;
    unsigned a = bits[0] >> fraction & ones, b = bits[1] >> fraction & ones;
    if (number_unpack(bits[0], f).kind == NAN_ || number_unpack(bits[1], f).kind == NAN_)
        return UNORDERED;
    return a < b ? LESS : a > b ? GREATER : EQUAL;
}

bits128 float_mask(float_operation operation, const bits128 *bits, uint64_t enabled,
                         uint64_t *told)
{
    unsigned wanted = operation.what == FLOAT_EQUAL     ? EQUAL
                      : operation.what == FLOAT_GREATER ? GREATER
                                                        : GREATER | EQUAL;
    unsigned found = float_compare(bits, lane_format(operation.from), operation.what != FLOAT_EQUAL,
                             enabled, told);
    return found & wanted ? ~(bits128)0 : 0;
}

/* Of two zeros, -0 is the lesser one, but not to C. */
bits128 float_extreme(float_operation operation, const bits128 *bits, uint64_t *told)
{
    const format *f = lane_format(operation.from);
    number a = number_unpack(bits[0], f), b = number_unpack(bits[1], f);
    bits128 quiet = (bits128)1 << (f->precision - 2);
    bool greatest = (operation.what - FLOAT_MAXIMUM) % 2 == 0;
    bool of_c = operation.what == FLOAT_MAXIMUM_C || operation.what == FLOAT_MINIMUM_C;
    bool of_java = operation.what == FLOAT_MAXIMUM_J || operation.what == FLOAT_MINIMUM_J;
    if (number_is_signaling(&a) || number_is_signaling(&b))
        *told |= FP_VXSNAN;
    if (of_c && (a.kind == NAN_ || b.kind == NAN_))
        return bits[1];
    if (of_java && (a.kind == NAN_ || b.kind == NAN_))
        return a.kind == NAN_ ? bits[0] : bits[1];
    if (number_is_signaling(&a) || (a.kind == NAN_ && b.kind == NAN_))
        return bits[0] | quiet;
    if (number_is_signaling(&b))
        return bits[1] | quiet;
    if (a.kind == NAN_ || b.kind == NAN_)
        return a.kind == NAN_ ? bits[1] : bits[0];
    if (a.kind == ZERO && b.kind == ZERO && !of_c)
        return greatest ? bits[0] & bits[1] : bits[0] | bits[1];
    return ordered(bits[0], bits[1], f) == (greatest ? GREATER : LESS) ? bits[0] : bits[1];
}
