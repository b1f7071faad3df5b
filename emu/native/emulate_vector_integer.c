/* Vector arithmetic of ISA 3.1: products, quotients, quadwords (Power ISA v3.1, I 6.9). */
#include "emulate_vector.h"

/* Variants. */
enum { UNSIGNED = 0, SIGNED = 1, LOW = 0, HIGH = 2, EVEN = 4, ODD = 8, EXTENDED = 16, REMAINDER = 32 };

static bool negative(quadword value, unsigned bits) { return value >> (bits - 1) & 1; }

static quadword negated_if(bool negate, quadword value) { return negate ? -value : value; }

/* An element as a quadword of the same value. */
static quadword widened(quadword value, unsigned bits, unsigned variant)
{
    bool fill = variant & SIGNED && negative(value, bits);
    return fill ? value | ~ones(bits) : value;
}

static quadword operand(quadword value, const vector_operation *o, unsigned n)
{
    return widened(element(value, o->bits, n), o->bits, o->variant);
}

/* For each element, from those of A and B. */
static quadword each(vector_operation *o,
                     quadword (*of)(const vector_operation *o, quadword a, quadword b))
{
    quadword result = 0;
    for (unsigned n = 0; n < 128 / o->bits; n++)
        result |= at_element(of(o, operand(o->a, o, n), operand(o->b, o, n)) & ones(o->bits),
                             o->bits, n);
    return result;
}

/* ---- products ------------------------------------------------------------------------------- */

static quadword product_of(const vector_operation *o, quadword a, quadword b)
{
    return a * b >> (o->variant & HIGH ? o->bits : 0); /* doublewords' fit in a quadword */
}

static quadword product(vector_operation *o) { return each(o, product_of); }

static quadword long_product(vector_operation *o)
{
    unsigned n = o->variant & ODD ? 1 : 0;
    return operand(o->a, o, n) * operand(o->b, o, n);
}

/* What the sum of two products and a quadword carries out of a quadword. */
static quadword carry_of_sum(vector_operation *o)
{
    quadword sum = (o->a >> 64) * (o->b >> 64), next = (quadword)(uint64_t)o->a * (uint64_t)o->b;
    unsigned carries = __builtin_add_overflow(sum, next, &sum);
    return carries + __builtin_add_overflow(sum, o->third, &sum);
}

/* ---- quotients ------------------------------------------------------------------------------ */

/* The low quadword of `high` * 2^128 / `divisor`. */
static quadword divide_extended(quadword high, quadword divisor)
{
    quadword remainder = high % divisor, quotient = 0;
    for (int place = 0; place < 128; place++) {
        bool carry = remainder >> 127;
        remainder <<= 1;
        quotient <<= 1;
        if (carry || remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1;
        }
    }
    return quotient;
}

/* Signs apart, so that the most negative number is no special case. */
static quadword quotient_of(const vector_operation *o, quadword a, quadword b)
{
    bool is_signed = o->variant & SIGNED;
    bool minus_a = is_signed && negative(a, 128), minus_b = is_signed && negative(b, 128);
    a = negated_if(minus_a, a);
    b = negated_if(minus_b, b);
    if (!b) /* undefined */
        return o->variant & REMAINDER ? 0 : negated_if(minus_a, a);
    if (o->variant & REMAINDER)
        return negated_if(minus_a, a % b);
    if (o->variant & EXTENDED) /* what does not fit is undefined */
        return negated_if(minus_a != minus_b,
                          o->bits == 128 ? divide_extended(a, b) : (a << o->bits) / b);
    return negated_if(minus_a != minus_b, a / b);
}

static quadword quotient(vector_operation *o) { return each(o, quotient_of); }

/* ---- comparisons of quadwords --------------------------------------------------------------- */

enum { LT = 8, GT = 4, EQ = 2, ALL_TRUE = 8, ALL_FALSE = 2 };

static unsigned order(const vector_operation *o)
{
    quadword flip = o->variant & SIGNED ? (quadword)1 << 127 : 0, a = o->a ^ flip, b = o->b ^ flip;
    return a < b ? LT : a > b ? GT : EQ;
}

static quadword compared(vector_operation *o, unsigned wanted)
{
    bool holds = order(o) == wanted;
    o->condition = holds ? ALL_TRUE : ALL_FALSE;
    return holds ? ones(128) : 0;
}

static quadword equal(vector_operation *o) { return compared(o, EQ); }
static quadword greater(vector_operation *o) { return compared(o, GT); }

static quadword ordered(vector_operation *o)
{
    o->condition = order(o);
    return 0;
}

/* ---- shifts of quadwords -------------------------------------------------------------------- */

/* Bits 57:63 of VRB, and for masks 41:47 and 49:55. */
static unsigned count_at(quadword b, unsigned bit) { return (unsigned)(b >> (127 - bit)) & 0x7f; }

static quadword rotated(quadword value, unsigned count)
{
    return count ? value << count | value >> (128 - count) : value;
}

/* Ones from bit `first` to `last`, around the end if need be. */
static quadword mask_of(unsigned first, unsigned last)
{
    quadword from = ~(quadword)0 >> first, to = ~(quadword)0 << (127 - last);
    return first <= last ? from & to : from | to;
}

static quadword shift_left(vector_operation *o) { return o->a << count_at(o->b, 63); }

static quadword shift_right(vector_operation *o)
{
    unsigned count = count_at(o->b, 63);
    bool fill = o->variant & SIGNED && negative(o->a, 128);
    return fill ? ~(~o->a >> count) : o->a >> count;
}

static quadword rotate(vector_operation *o) { return rotated(o->a, count_at(o->b, 63)); }

static quadword rotate_and_mask(vector_operation *o)
{
    return rotate(o) & mask_of(count_at(o->b, 47), count_at(o->b, 55));
}

static quadword rotate_and_insert(vector_operation *o)
{
    quadword mask = mask_of(count_at(o->b, 47), count_at(o->b, 55));
    return (rotate(o) & mask) | (o->t & ~mask);
}

static quadword extend_sign(vector_operation *o)
{
    return widened((uint64_t)o->b, o->bits, SIGNED);
}

static const vector_rule rules[] = {
    {VX(457), product, 64, LOW, TO_VECTOR},             /* vmulld */
    {VX(905), product, 32, HIGH | SIGNED, TO_VECTOR},   /* vmulhsw to vmulhud */
    {VX(649), product, 32, HIGH, TO_VECTOR},
    {VX(969), product, 64, HIGH | SIGNED, TO_VECTOR},
    {VX(713), product, 64, HIGH, TO_VECTOR},
    {VX(968), long_product, 64, EVEN | SIGNED, TO_VECTOR}, /* vmulesd to vmuloud */
    {VX(456), long_product, 64, ODD | SIGNED, TO_VECTOR},
    {VX(712), long_product, 64, EVEN, TO_VECTOR},
    {VX(200), long_product, 64, ODD, TO_VECTOR},
    {VA(23), carry_of_sum, 0, 0, TO_VECTOR},            /* vmsumcud */
    {VX(395), quotient, 32, SIGNED, TO_VECTOR},         /* vdivsw to vdivuq */
    {VX(139), quotient, 32, UNSIGNED, TO_VECTOR},
    {VX(459), quotient, 64, SIGNED, TO_VECTOR},
    {VX(203), quotient, 64, UNSIGNED, TO_VECTOR},
    {VX(267), quotient, 128, SIGNED, TO_VECTOR},
    {VX(11), quotient, 128, UNSIGNED, TO_VECTOR},
    {VX(907), quotient, 32, EXTENDED | SIGNED, TO_VECTOR}, /* vdivesw to vdiveuq */
    {VX(651), quotient, 32, EXTENDED, TO_VECTOR},
    {VX(971), quotient, 64, EXTENDED | SIGNED, TO_VECTOR},
    {VX(715), quotient, 64, EXTENDED, TO_VECTOR},
    {VX(779), quotient, 128, EXTENDED | SIGNED, TO_VECTOR},
    {VX(523), quotient, 128, EXTENDED, TO_VECTOR},
    {VX(1931), quotient, 32, REMAINDER | SIGNED, TO_VECTOR}, /* vmodsw to vmoduq */
    {VX(1675), quotient, 32, REMAINDER, TO_VECTOR},
    {VX(1995), quotient, 64, REMAINDER | SIGNED, TO_VECTOR},
    {VX(1739), quotient, 64, REMAINDER, TO_VECTOR},
    {VX(1803), quotient, 128, REMAINDER | SIGNED, TO_VECTOR},
    {VX(1547), quotient, 128, REMAINDER, TO_VECTOR},
    {VX_A(1538, 27), extend_sign, 64, 0, TO_VECTOR},    /* vextsd2q */
    {VC(455), equal, 128, 0, TO_VECTOR_RECORDED},       /* vcmpequq to vcmpgtsq */
    {VC(647), greater, 128, UNSIGNED, TO_VECTOR_RECORDED},
    {VC(903), greater, 128, SIGNED, TO_VECTOR_RECORDED},
    {VX(257), ordered, 128, UNSIGNED, TO_CONDITION},    /* vcmpuq, vcmpsq */
    {VX(321), ordered, 128, SIGNED, TO_CONDITION},
    {VX(5), rotate, 128, 0, TO_VECTOR},                 /* vrlq, vrlqnm, vrlqmi */
    {VX(325), rotate_and_mask, 128, 0, TO_VECTOR},
    {VX(69), rotate_and_insert, 128, 0, TO_VECTOR},
    {VX(261), shift_left, 128, 0, TO_VECTOR},           /* vslq, vsrq, vsraq */
    {VX(517), shift_right, 128, UNSIGNED, TO_VECTOR},
    {VX(773), shift_right, 128, SIGNED, TO_VECTOR},
};
const vector_rules integer_rules = RULES_OF(rules);
