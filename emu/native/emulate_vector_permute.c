/* Vector elements moved by ISA 3.1: extracted, inserted, shifted (Power ISA v3.1, I 6.8). */
#include "emulate_vector.h"

enum { LEFT = 0, RIGHT = 1, FROM_VECTOR = 2 };

/* Two quadwords as 32 bytes; `bits` of them from byte `index` on. */
static quadword from_pair(quadword a, quadword b, unsigned bits, unsigned index)
{
    unsigned at = 8 * index;
    quadword shifted = at >= 128 ? b << (at - 128) : at ? a << at | b >> (128 - at) : a;
    return shifted >> (128 - bits);
}

/* Of what lies beyond the 32 bytes nothing is said. */
static quadword extract(vector_operation *o)
{
    unsigned index = (unsigned)*gpr(o->c, RC(o->word)) & 31, last = 32 - o->bits / 8;
    if (index > last)
        return 0;
    if (o->variant & RIGHT)
        index = last - index;
    return from_pair(o->a, o->b, o->bits, index) << 64;
}

static quadword put(const vector_operation *o, quadword value, unsigned index)
{
    unsigned last = 16 - o->bits / 8;
    if (index > last) /* undefined */
        return o->t;
    if (o->variant & RIGHT)
        index = last - index;
    unsigned shift = 8 * (last - index);
    return (o->t & ~(ones(o->bits) << shift)) | (value & ones(o->bits)) << shift;
}

static quadword insert(vector_operation *o)
{
    quadword value = o->variant & FROM_VECTOR ? o->b >> 64 : *gpr(o->c, RB(o->word));
    return put(o, value, (unsigned)*gpr(o->c, RA(o->word)) & 15);
}

static quadword insert_immediate(vector_operation *o)
{
    return put(o, *gpr(o->c, RB(o->word)), RA(o->word) & 15);
}

static quadword shift_double(vector_operation *o)
{
    unsigned count = RC(o->word) & 7;
    if (!count)
        return o->variant & RIGHT ? o->b : o->a;
    return o->variant & RIGHT ? o->a << (128 - count) | o->b >> count
                              : o->a << count | o->b >> (128 - count);
}

static const vector_rule rules[] = {
    {VA(24), extract, 8, LEFT, TO_VECTOR}, /* vextdubvlx to vextddvrx */
    {VA(25), extract, 8, RIGHT, TO_VECTOR},
    {VA(26), extract, 16, LEFT, TO_VECTOR},
    {VA(27), extract, 16, RIGHT, TO_VECTOR},
    {VA(28), extract, 32, LEFT, TO_VECTOR},
    {VA(29), extract, 32, RIGHT, TO_VECTOR},
    {VA(30), extract, 64, LEFT, TO_VECTOR},
    {VA(31), extract, 64, RIGHT, TO_VECTOR},
    {VX(527), insert, 8, LEFT, TO_VECTOR}, /* vinsblx to vinsdrx */
    {VX(783), insert, 8, RIGHT, TO_VECTOR},
    {VX(591), insert, 16, LEFT, TO_VECTOR},
    {VX(847), insert, 16, RIGHT, TO_VECTOR},
    {VX(655), insert, 32, LEFT, TO_VECTOR},
    {VX(911), insert, 32, RIGHT, TO_VECTOR},
    {VX(719), insert, 64, LEFT, TO_VECTOR},
    {VX(975), insert, 64, RIGHT, TO_VECTOR},
    {VX(15), insert, 8, FROM_VECTOR | LEFT, TO_VECTOR}, /* vinsbvlx to vinswvrx */
    {VX(271), insert, 8, FROM_VECTOR | RIGHT, TO_VECTOR},
    {VX(79), insert, 16, FROM_VECTOR | LEFT, TO_VECTOR},
    {VX(335), insert, 16, FROM_VECTOR | RIGHT, TO_VECTOR},
    {VX(143), insert, 32, FROM_VECTOR | LEFT, TO_VECTOR},
    {VX(399), insert, 32, FROM_VECTOR | RIGHT, TO_VECTOR},
    {VX(207), insert_immediate, 32, LEFT, TO_VECTOR}, /* vinsw, vinsd */
    {VX(463), insert_immediate, 64, LEFT, TO_VECTOR},
    {VN(22, 0), shift_double, 128, LEFT, TO_VECTOR}, /* vsldbi, vsrdbi */
    {VN(22, 1), shift_double, 128, RIGHT, TO_VECTOR},
};
const vector_rules permute_rules = RULES_OF(rules);
