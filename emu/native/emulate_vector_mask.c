/* Bits, masks and strings of vectors in ISA 3.1 (Power ISA v3.1, I 6.12 to 6.15). */
#include "emulate_vector.h"

enum { LEFT = 0, RIGHT = 1 };
#define FOUND 2

/* ---- bits under a mask, in each doubleword --------------------------------------------------- */

static quadword each_doubleword(const vector_operation *o, uint64_t (*of)(uint64_t, uint64_t))
{
    return (quadword)of((uint64_t)(o->a >> 64), (uint64_t)(o->b >> 64)) << 64
           | of((uint64_t)o->a, (uint64_t)o->b);
}

static uint64_t leading_zeros(uint64_t value, uint64_t mask)
{
    return zeros_under_mask(value, mask, true);
}

static uint64_t trailing_zeros(uint64_t value, uint64_t mask)
{
    return zeros_under_mask(value, mask, false);
}

static quadword deposit(vector_operation *o) { return each_doubleword(o, deposit_bits); }
static quadword gather(vector_operation *o) { return each_doubleword(o, extract_bits); }
static quadword separate(vector_operation *o) { return each_doubleword(o, centrifuge); }
static quadword leading(vector_operation *o) { return each_doubleword(o, leading_zeros); }
static quadword trailing(vector_operation *o) { return each_doubleword(o, trailing_zeros); }

/* Every nth bit, from the left. */
static quadword every_nth(vector_operation *o)
{
    unsigned step = RA(o->word) & 7, to = 63;
    uint64_t result = 0;
    if (step < 2) /* undefined */
        return *gpr(o->c, RT(o->word));
    for (unsigned bit = 0; bit < 128; bit += step, to--)
        result |= (uint64_t)(o->b >> (127 - bit) & 1) << to;
    return result;
}

/* ---- masks: one bit for an element ----------------------------------------------------------- */

static quadword filled(unsigned bits, uint64_t mask)
{
    quadword result = 0;
    unsigned count = 128 / bits;
    for (unsigned n = 0; n < count; n++)
        if (mask >> (count - 1 - n) & 1)
            result |= at_element(ones(bits), bits, n);
    return result;
}

static uint64_t signs(unsigned bits, quadword value)
{
    uint64_t result = 0;
    for (unsigned n = 0; n < 128 / bits; n++)
        result = result << 1 | (uint64_t)(element(value, bits, n) >> (bits - 1));
    return result;
}

static quadword expand(vector_operation *o) { return filled(o->bits, signs(o->bits, o->b)); }
static quadword collect(vector_operation *o) { return signs(o->bits, o->b); }
static quadword spread(vector_operation *o) { return filled(o->bits, *gpr(o->c, RB(o->word))); }

static quadword spread_immediate(vector_operation *o)
{
    return filled(8, (o->word >> 6 & 0x3ff) << 6 | RA(o->word) << 1 | (o->word & 1));
}

/* How many elements have that sign, as bytes, in the leftmost byte. */
static quadword count_signs(vector_operation *o)
{
    unsigned elements = 128 / o->bits;
    unsigned set = (unsigned)__builtin_popcountll(signs(o->bits, o->b));
    unsigned count = RA(o->word) & 1 ? set : elements - set;
    return (quadword)((uint64_t)(count * (o->bits / 8)) << 56);
}

/* ---- strings --------------------------------------------------------------------------------- */

static quadword last_bytes(unsigned count) { return count ? ones(8 * count) : 0; }

/* All but so many bytes of one end are cleared. */
static quadword clear_bytes(vector_operation *o)
{
    uint64_t kept = *gpr(o->c, RB(o->word));
    unsigned count = kept > 16 ? 16 : (unsigned)kept;
    return o->a & (o->variant == LEFT ? last_bytes(count) : ~last_bytes(16 - count));
}

/* Up to the first element that is 0, from that end; the others are cleared. */
static quadword isolate(vector_operation *o)
{
    quadword result = 0;
    unsigned elements = 128 / o->bits;
    for (unsigned n = 0; n < elements; n++) {
        unsigned at = o->variant == LEFT ? n : elements - 1 - n;
        if (!element(o->b, o->bits, at)) {
            o->condition = FOUND;
            break;
        }
        result |= at_element(element(o->b, o->bits, at), o->bits, at);
    }
    return result;
}

static const vector_rule rules[] = {
    {VX(1924), leading, 64, 0, TO_VECTOR}, /* vclzdm, vctzdm, vpdepd, vpextd, vcfuged */
    {VX(1988), trailing, 64, 0, TO_VECTOR},
    {VX(1485), deposit, 64, 0, TO_VECTOR},
    {VX(1421), gather, 64, 0, TO_VECTOR},
    {VX(1357), separate, 64, 0, TO_VECTOR},
    {VX(1228), every_nth, 0, 0, TO_GPR}, /* vgnb */
    {VX(397), clear_bytes, 8, LEFT, TO_VECTOR}, /* vclrlb, vclrrb */
    {VX(461), clear_bytes, 8, RIGHT, TO_VECTOR},
    {VC_A(13, 0), isolate, 8, LEFT, TO_VECTOR_RECORDED}, /* vstribl to vstrihr */
    {VC_A(13, 1), isolate, 8, RIGHT, TO_VECTOR_RECORDED},
    {VC_A(13, 2), isolate, 16, LEFT, TO_VECTOR_RECORDED},
    {VC_A(13, 3), isolate, 16, RIGHT, TO_VECTOR_RECORDED},
    {VX_A(1602, 0), expand, 8, 0, TO_VECTOR}, /* vexpandbm to vexpandqm */
    {VX_A(1602, 1), expand, 16, 0, TO_VECTOR},
    {VX_A(1602, 2), expand, 32, 0, TO_VECTOR},
    {VX_A(1602, 3), expand, 64, 0, TO_VECTOR},
    {VX_A(1602, 4), expand, 128, 0, TO_VECTOR},
    {VX_A(1602, 8), collect, 8, 0, TO_GPR}, /* vextractbm to vextractqm */
    {VX_A(1602, 9), collect, 16, 0, TO_GPR},
    {VX_A(1602, 10), collect, 32, 0, TO_GPR},
    {VX_A(1602, 11), collect, 64, 0, TO_GPR},
    {VX_A(1602, 12), collect, 128, 0, TO_GPR},
    {VX_A(1602, 16), spread, 8, 0, TO_VECTOR}, /* mtvsrbm to mtvsrqm */
    {VX_A(1602, 17), spread, 16, 0, TO_VECTOR},
    {VX_A(1602, 18), spread, 32, 0, TO_VECTOR},
    {VX_A(1602, 19), spread, 64, 0, TO_VECTOR},
    {VX_A(1602, 20), spread, 128, 0, TO_VECTOR},
    {VX_A(1602, 24), count_signs, 8, 0, TO_GPR}, /* vcntmbb to vcntmbd, MP 0 and 1 */
    {VX_A(1602, 25), count_signs, 8, 0, TO_GPR},
    {VX_A(1602, 26), count_signs, 16, 0, TO_GPR},
    {VX_A(1602, 27), count_signs, 16, 0, TO_GPR},
    {VX_A(1602, 28), count_signs, 32, 0, TO_GPR},
    {VX_A(1602, 29), count_signs, 32, 0, TO_GPR},
    {VX_A(1602, 30), count_signs, 64, 0, TO_GPR},
    {VX_A(1602, 31), count_signs, 64, 0, TO_GPR},
    {DX(10), spread_immediate, 8, 0, TO_VECTOR}, /* mtvsrbmi */
};
const vector_rules mask_rules = RULES_OF(rules);
