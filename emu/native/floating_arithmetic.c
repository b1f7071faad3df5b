/* Arithmetic of floating point on a lane: what is special, and what is rounded (Power ISA I 4.3.5,
   4.4, 7.4). */
#include "floating.h"

/* The first NaN among them, made quiet; false: there is none. */
static bool first_nan(const number *const *operands, int count, number *result, uint64_t *told)
{
    bool found = false;
    for (int n = 0; n < count; n++) {
        if (number_is_signaling(operands[n]))
            *told |= FP_VXSNAN;
        if (operands[n]->kind == NAN_ && !found) {
            *result = *operands[n];
            found = true;
        }
    }
    number_quieten(result);
    return found;
}

static number invalid(uint64_t cause, uint64_t *told)
{
    *told |= cause;
    return number_default_nan();
}

static number add(number a, number b, unsigned rounding, uint64_t *told)
{
    if (a.kind == INFINITE && b.kind == INFINITE && a.negative != b.negative)
        return invalid(FP_VXISI, told);
    if (a.kind == INFINITE || b.kind == INFINITE)
        return a.kind == INFINITE ? a : b;
    return number_add(a, b, rounding);
}

static number multiply(number a, number b, uint64_t *told)
{
    if ((a.kind == INFINITE && b.kind == ZERO) || (a.kind == ZERO && b.kind == INFINITE))
        return invalid(FP_VXIMZ, told);
    if (a.kind == INFINITE || b.kind == INFINITE)
        return (number){.kind = INFINITE, .negative = a.negative != b.negative};
    return number_multiply(a, b);
}

static number divide(number a, number b, uint64_t *told)
{
    number special = {.negative = a.negative != b.negative};
    if (a.kind == INFINITE && b.kind == INFINITE)
        return invalid(FP_VXIDI, told);
    if (a.kind == ZERO && b.kind == ZERO)
        return invalid(FP_VXZDZ, told);
    if (a.kind == INFINITE || b.kind == ZERO) {
        if (a.kind != INFINITE)
            *told |= FP_ZX;
        special.kind = INFINITE;
        return special;
    }
    if (a.kind == ZERO || b.kind == INFINITE) {
        special.kind = ZERO;
        return special;
    }
    return number_divide(a, b);
}

static number square_root(number a, uint64_t *told)
{
    if (a.kind != ZERO && a.negative)
        return invalid(FP_VXSQRT, told);
    return a.kind == INFINITE ? a : number_square_root(a);
}

/* a * c + b, or - b: NaNs count in the order a, b, c, and the product's own comes after them. */
static number multiply_add(number a, number b, number c, bool subtract, unsigned rounding,
                           uint64_t *told)
{
    number result;
    const number *operands[] = {&a, &b, &c};
    bool found = first_nan(operands, 3, &result, told);
    number product = a.kind == NAN_ || c.kind == NAN_ ? number_default_nan()
                                                      : multiply(a, c, told);
    if (found || product.kind == NAN_)
        return found ? result : product;
    b.negative ^= subtract;
    return add(product, b, rounding, told);
}

static number binary(unsigned what, number a, number b, unsigned rounding, uint64_t *told)
{
    number result;
    const number *operands[] = {&a, &b};
    if (first_nan(operands, 2, &result, told))
        return result;
    switch (what) {
    case FLOAT_ADD: return add(a, b, rounding, told);
    case FLOAT_SUBTRACT: b.negative = !b.negative; return add(a, b, rounding, told);
    case FLOAT_MULTIPLY: return multiply(a, b, told);
    default: return divide(a, b, told);
    }
}

static number unary(unsigned what, number b, uint64_t *told)
{
    const number one = number_of_integer(1, false);
    number result;
    const number *operands[] = {&b};
    if (first_nan(operands, 1, &result, told))
        return result;
    switch (what) {
    case FLOAT_SQUARE_ROOT: return square_root(b, told);
    case FLOAT_RECIPROCAL: return divide(one, b, told);
    case FLOAT_RECIPROCAL_ROOT:
        b = square_root(b, told);
        return b.kind == NAN_ ? b : divide(one, b, told);
    default: return b;
    }
}

static unsigned mirrored(unsigned rounding)
{
    return rounding == ROUND_UP ? ROUND_DOWN : rounding == ROUND_DOWN ? ROUND_UP : rounding;
}

/* What is rounded and then negated is what is negated and rounded the other way. */
bits128 float_arithmetic(float_operation operation, const bits128 *bits, unsigned rounding,
                          uint64_t enabled, uint64_t *told)
{
    const format *from = lane_format(operation.from);
    number a = number_unpack(bits[0], from), b = number_unpack(bits[1], from), n;
    switch (operation.what) {
    case FLOAT_ADD:
    case FLOAT_SUBTRACT:
    case FLOAT_MULTIPLY:
    case FLOAT_DIVIDE: n = binary(operation.what, a, b, rounding, told); break;
    case FLOAT_MULTIPLY_ADD:
    case FLOAT_MULTIPLY_SUBTRACT:
    case FLOAT_NEGATIVE_MULTIPLY_ADD:
    case FLOAT_NEGATIVE_MULTIPLY_SUBTRACT:
        n = multiply_add(a, b, number_unpack(bits[2], from),
                         (operation.what - FLOAT_MULTIPLY_ADD) & 1, rounding, told);
        if (operation.what >= FLOAT_NEGATIVE_MULTIPLY_ADD && n.kind != NAN_) {
            n.negative = !n.negative;
            rounding = mirrored(rounding);
        }
        break;
    default: n = unary(operation.what, b, told);
    }
    return number_round(n, lane_format(operation.to), lane_container(operation.to), rounding,
                        enabled, told);
}

/* ---- integers ------------------------------------------------------------------------------- */

bits128 float_round_to_integral(float_operation operation, bits128 bits, unsigned rounding,
                                 uint64_t *told)
{
    const format *f = lane_format(operation.from);
    number n = unary(FLOAT_CONVERT, number_unpack(bits, f), told);
    uint64_t inexact = 0;
    bits128 magnitude;
    if (n.kind == FINITE && n.exponent < f->precision) {
        bool negative = n.negative;
        number_to_integer(&n, rounding, &magnitude, &inexact);
        n = number_of_integer(magnitude, negative);
        n.negative = negative;
    }
    if (operation.what == FLOAT_ROUND_EXACT)
        *told |= inexact;
    return number_round(n, f, f, ROUND_ZERO, 0, told);
}

static bits128 largest(unsigned bits, bool is_signed, bool negative)
{
    if (!is_signed)
        return negative ? 0 : ((bits128)1 << bits) - 1;
    return negative ? -((bits128)1 << (bits - 1)) : ((bits128)1 << (bits - 1)) - 1;
}

bits128 float_to_integer(float_operation operation, bits128 bits, unsigned rounding,
                          uint64_t *told)
{
    number n = number_unpack(bits, lane_format(operation.from));
    bool is_signed = operation.what == FLOAT_TO_SIGNED, fits;
    unsigned width = lane_integer_bits(operation.to);
    uint64_t inexact = 0;
    bits128 magnitude, most;
    if (n.kind == NAN_) {
        *told |= FP_VXCVI | (number_is_signaling(&n) ? FP_VXSNAN : 0)
                 | (uint64_t)CLASS_QNAN << FP_FPRF_SHIFT;
        return largest(width, is_signed, true);
    }
    fits = number_to_integer(&n, rounding, &magnitude, &inexact);
    most = largest(width, is_signed, n.negative);
    if (!fits || magnitude > (n.negative ? -most : most)) {
        *told |= FP_VXCVI | (uint64_t)CLASS_QNAN << FP_FPRF_SHIFT;
        return most;
    }
    *told |= inexact;
    return n.negative ? -magnitude : magnitude;
}

bits128 float_from_integer(float_operation operation, bits128 bits, unsigned rounding,
                            uint64_t *told)
{
    unsigned width = lane_integer_bits(operation.from);
    bool negative = operation.what == FLOAT_FROM_SIGNED && bits >> (width - 1) & 1;
    number n = number_of_integer(negative ? ((bits128)1 << width) - bits : bits, negative);
    return number_round(n, lane_format(operation.to), lane_container(operation.to), rounding, 0,
                        told);
}
