/* Which instructions are floating point's, and what each of them does. */
#include "floating.h"

/* How an extended opcode is found: where it begins and how many bits it has. */
enum form { A, X, XX2, XX3, XX3C, Z23, FORMS };
static const struct {
    uint8_t shift, bits;
} fields[FORMS] = {{1, 5}, {1, 10}, {2, 9}, {3, 8}, {3, 7}, {1, 8}};

#define ANY_RA 0xff

typedef struct {
    uint8_t primary, form;
    uint16_t extended;
    uint8_t ra, what, from, to, lanes, rounding;
    bool vector;
} row;

#define D LANE_DOUBLE
#define S LANE_SINGLE
#define SE LANE_SINGLE_EVEN
#define SH LANE_SHORT
#define Q LANE_QUAD
#define I8 LANE_DOUBLEWORD
#define I4 LANE_WORD
#define I4E LANE_WORD_EVEN
#define I4W LANE_WIDE_WORD
#define CUR ROUND_CURRENT

static const row rows[] = {
    /* floating-point instructions (I 4.6) */
    {63, X, 12, ANY_RA, FLOAT_CONVERT, D, SH, 1, CUR, false},
    {63, X, 14, ANY_RA, FLOAT_TO_SIGNED, D, I4E, 1, CUR, false},
    {63, X, 15, ANY_RA, FLOAT_TO_SIGNED, D, I4E, 1, ROUND_ZERO, false},
    {63, X, 142, ANY_RA, FLOAT_TO_UNSIGNED, D, I4E, 1, CUR, false},
    {63, X, 143, ANY_RA, FLOAT_TO_UNSIGNED, D, I4E, 1, ROUND_ZERO, false},
    {63, X, 814, ANY_RA, FLOAT_TO_SIGNED, D, I8, 1, CUR, false},
    {63, X, 815, ANY_RA, FLOAT_TO_SIGNED, D, I8, 1, ROUND_ZERO, false},
    {63, X, 942, ANY_RA, FLOAT_TO_UNSIGNED, D, I8, 1, CUR, false},
    {63, X, 943, ANY_RA, FLOAT_TO_UNSIGNED, D, I8, 1, ROUND_ZERO, false},
    {63, X, 846, ANY_RA, FLOAT_FROM_SIGNED, I8, D, 1, CUR, false},
    {63, X, 974, ANY_RA, FLOAT_FROM_UNSIGNED, I8, D, 1, CUR, false},
    {59, X, 846, ANY_RA, FLOAT_FROM_SIGNED, I8, SH, 1, CUR, false},
    {59, X, 974, ANY_RA, FLOAT_FROM_UNSIGNED, I8, SH, 1, CUR, false},
    {63, X, 392, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_AWAY, false},
    {63, X, 424, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_ZERO, false},
    {63, X, 456, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_UP, false},
    {63, X, 488, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_DOWN, false},
    {63, X, 0, ANY_RA, FLOAT_COMPARE_UNORDERED, D, D, 1, CUR, false},
    {63, X, 32, ANY_RA, FLOAT_COMPARE_ORDERED, D, D, 1, CUR, false},
    /* scalars of VSX (I 7.6.3) */
    {60, XX3, 128, ANY_RA, FLOAT_MAXIMUM_C, D, D, 1, CUR, false},
    {60, XX3, 136, ANY_RA, FLOAT_MINIMUM_C, D, D, 1, CUR, false},
    {60, XX3, 144, ANY_RA, FLOAT_MAXIMUM_J, D, D, 1, CUR, false},
    {60, XX3, 152, ANY_RA, FLOAT_MINIMUM_J, D, D, 1, CUR, false},
    {60, XX3, 160, ANY_RA, FLOAT_MAXIMUM, D, D, 1, CUR, false},
    {60, XX3, 168, ANY_RA, FLOAT_MINIMUM, D, D, 1, CUR, false},
    {60, XX3, 3, ANY_RA, FLOAT_EQUAL, D, I8, 1, CUR, false},
    {60, XX3, 11, ANY_RA, FLOAT_GREATER, D, I8, 1, CUR, false},
    {60, XX3, 19, ANY_RA, FLOAT_GREATER_EQUAL, D, I8, 1, CUR, false},
    {60, XX3, 35, ANY_RA, FLOAT_COMPARE_UNORDERED, D, D, 1, CUR, false},
    {60, XX3, 43, ANY_RA, FLOAT_COMPARE_ORDERED, D, D, 1, CUR, false},
    {60, XX3, 59, ANY_RA, FLOAT_COMPARE_EXPONENTS, D, D, 1, CUR, false},
    {60, XX2, 281, ANY_RA, FLOAT_CONVERT, D, SH, 1, CUR, false},
    {60, XX2, 265, ANY_RA, FLOAT_CONVERT, D, SE, 1, CUR, false},
    {60, XX2, 329, ANY_RA, FLOAT_CONVERT, SE, D, 1, CUR, false},
    {60, XX2, 347, 16, FLOAT_CONVERT, LANE_HALF_LAST, D, 1, CUR, false},
    {60, XX2, 347, 17, FLOAT_CONVERT, D, LANE_HALF_LAST, 1, CUR, false},
    {60, XX2, 73, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_AWAY, false},
    {60, XX2, 107, ANY_RA, FLOAT_ROUND_EXACT, D, D, 1, CUR, false},
    {60, XX2, 121, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_DOWN, false},
    {60, XX2, 105, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_UP, false},
    {60, XX2, 89, ANY_RA, FLOAT_ROUND, D, D, 1, ROUND_ZERO, false},
    {60, XX2, 344, ANY_RA, FLOAT_TO_SIGNED, D, I8, 1, ROUND_ZERO, false},
    {60, XX2, 88, ANY_RA, FLOAT_TO_SIGNED, D, I4E, 1, ROUND_ZERO, false},
    {60, XX2, 328, ANY_RA, FLOAT_TO_UNSIGNED, D, I8, 1, ROUND_ZERO, false},
    {60, XX2, 72, ANY_RA, FLOAT_TO_UNSIGNED, D, I4E, 1, ROUND_ZERO, false},
    {60, XX2, 376, ANY_RA, FLOAT_FROM_SIGNED, I8, D, 1, CUR, false},
    {60, XX2, 360, ANY_RA, FLOAT_FROM_UNSIGNED, I8, D, 1, CUR, false},
    {60, XX2, 312, ANY_RA, FLOAT_FROM_SIGNED, I8, SH, 1, CUR, false},
    {60, XX2, 296, ANY_RA, FLOAT_FROM_UNSIGNED, I8, SH, 1, CUR, false},
    /* vectors of VSX */
    {60, XX3, 192, ANY_RA, FLOAT_MAXIMUM, S, S, 4, CUR, true},
    {60, XX3, 200, ANY_RA, FLOAT_MINIMUM, S, S, 4, CUR, true},
    {60, XX3, 224, ANY_RA, FLOAT_MAXIMUM, D, D, 2, CUR, true},
    {60, XX3, 232, ANY_RA, FLOAT_MINIMUM, D, D, 2, CUR, true},
    {60, XX3C, 67, ANY_RA, FLOAT_EQUAL, S, I4, 4, CUR, true},
    {60, XX3C, 75, ANY_RA, FLOAT_GREATER, S, I4, 4, CUR, true},
    {60, XX3C, 83, ANY_RA, FLOAT_GREATER_EQUAL, S, I4, 4, CUR, true},
    {60, XX3C, 99, ANY_RA, FLOAT_EQUAL, D, I8, 2, CUR, true},
    {60, XX3C, 107, ANY_RA, FLOAT_GREATER, D, I8, 2, CUR, true},
    {60, XX3C, 115, ANY_RA, FLOAT_GREATER_EQUAL, D, I8, 2, CUR, true},
    {60, XX2, 137, ANY_RA, FLOAT_ROUND, S, S, 4, ROUND_AWAY, true},
    {60, XX2, 171, ANY_RA, FLOAT_ROUND_EXACT, S, S, 4, CUR, true},
    {60, XX2, 185, ANY_RA, FLOAT_ROUND, S, S, 4, ROUND_DOWN, true},
    {60, XX2, 169, ANY_RA, FLOAT_ROUND, S, S, 4, ROUND_UP, true},
    {60, XX2, 153, ANY_RA, FLOAT_ROUND, S, S, 4, ROUND_ZERO, true},
    {60, XX2, 201, ANY_RA, FLOAT_ROUND, D, D, 2, ROUND_AWAY, true},
    {60, XX2, 235, ANY_RA, FLOAT_ROUND_EXACT, D, D, 2, CUR, true},
    {60, XX2, 249, ANY_RA, FLOAT_ROUND, D, D, 2, ROUND_DOWN, true},
    {60, XX2, 233, ANY_RA, FLOAT_ROUND, D, D, 2, ROUND_UP, true},
    {60, XX2, 217, ANY_RA, FLOAT_ROUND, D, D, 2, ROUND_ZERO, true},
    {60, XX2, 393, ANY_RA, FLOAT_CONVERT, D, SE, 2, CUR, true},
    {60, XX2, 457, ANY_RA, FLOAT_CONVERT, SE, D, 2, CUR, true},
    {60, XX2, 475, 24, FLOAT_CONVERT, LANE_HALF, S, 4, CUR, true},
    {60, XX2, 475, 25, FLOAT_CONVERT, S, LANE_HALF, 4, CUR, true},
    {60, XX2, 472, ANY_RA, FLOAT_TO_SIGNED, D, I8, 2, ROUND_ZERO, true},
    {60, XX2, 216, ANY_RA, FLOAT_TO_SIGNED, D, I4E, 2, ROUND_ZERO, true},
    {60, XX2, 456, ANY_RA, FLOAT_TO_UNSIGNED, D, I8, 2, ROUND_ZERO, true},
    {60, XX2, 200, ANY_RA, FLOAT_TO_UNSIGNED, D, I4E, 2, ROUND_ZERO, true},
    {60, XX2, 408, ANY_RA, FLOAT_TO_SIGNED, SE, I8, 2, ROUND_ZERO, true},
    {60, XX2, 152, ANY_RA, FLOAT_TO_SIGNED, S, I4, 4, ROUND_ZERO, true},
    {60, XX2, 392, ANY_RA, FLOAT_TO_UNSIGNED, SE, I8, 2, ROUND_ZERO, true},
    {60, XX2, 136, ANY_RA, FLOAT_TO_UNSIGNED, S, I4, 4, ROUND_ZERO, true},
    {60, XX2, 504, ANY_RA, FLOAT_FROM_SIGNED, I8, D, 2, CUR, true},
    {60, XX2, 440, ANY_RA, FLOAT_FROM_SIGNED, I8, SE, 2, CUR, true},
    {60, XX2, 248, ANY_RA, FLOAT_FROM_SIGNED, I4E, D, 2, CUR, true},
    {60, XX2, 184, ANY_RA, FLOAT_FROM_SIGNED, I4, S, 4, CUR, true},
    {60, XX2, 488, ANY_RA, FLOAT_FROM_UNSIGNED, I8, D, 2, CUR, true},
    {60, XX2, 424, ANY_RA, FLOAT_FROM_UNSIGNED, I8, SE, 2, CUR, true},
    {60, XX2, 232, ANY_RA, FLOAT_FROM_UNSIGNED, I4E, D, 2, CUR, true},
    {60, XX2, 168, ANY_RA, FLOAT_FROM_UNSIGNED, I4, S, 4, CUR, true},
    /* quad precision; bit 31 asks for rounding to odd, or (xsrqpix) for inexactness */
    {63, X, 4, ANY_RA, FLOAT_ADD, Q, Q, 1, CUR, false},
    {63, X, 516, ANY_RA, FLOAT_SUBTRACT, Q, Q, 1, CUR, false},
    {63, X, 36, ANY_RA, FLOAT_MULTIPLY, Q, Q, 1, CUR, false},
    {63, X, 548, ANY_RA, FLOAT_DIVIDE, Q, Q, 1, CUR, false},
    {63, X, 388, ANY_RA, FLOAT_MULTIPLY_ADD, Q, Q, 1, CUR, false},
    {63, X, 420, ANY_RA, FLOAT_MULTIPLY_SUBTRACT, Q, Q, 1, CUR, false},
    {63, X, 452, ANY_RA, FLOAT_NEGATIVE_MULTIPLY_ADD, Q, Q, 1, CUR, false},
    {63, X, 484, ANY_RA, FLOAT_NEGATIVE_MULTIPLY_SUBTRACT, Q, Q, 1, CUR, false},
    {63, X, 644, ANY_RA, FLOAT_COMPARE_UNORDERED, Q, Q, 1, CUR, false},
    {63, X, 132, ANY_RA, FLOAT_COMPARE_ORDERED, Q, Q, 1, CUR, false},
    {63, X, 164, ANY_RA, FLOAT_COMPARE_EXPONENTS, Q, Q, 1, CUR, false},
    {63, X, 804, 27, FLOAT_SQUARE_ROOT, Q, Q, 1, CUR, false},
    {63, X, 836, 1, FLOAT_TO_UNSIGNED, Q, I4W, 1, ROUND_ZERO, false},
    {63, X, 836, 2, FLOAT_FROM_UNSIGNED, I8, Q, 1, CUR, false},
    {63, X, 836, 9, FLOAT_TO_SIGNED, Q, I4W, 1, ROUND_ZERO, false},
    {63, X, 836, 10, FLOAT_FROM_SIGNED, I8, Q, 1, CUR, false},
    {63, X, 836, 17, FLOAT_TO_UNSIGNED, Q, I8, 1, ROUND_ZERO, false},
    {63, X, 836, 20, FLOAT_CONVERT, Q, D, 1, CUR, false},
    {63, X, 836, 22, FLOAT_CONVERT, D, Q, 1, CUR, false},
    {63, X, 836, 25, FLOAT_TO_SIGNED, Q, I8, 1, ROUND_ZERO, false},
    {63, Z23, 5, ANY_RA, FLOAT_ROUND, Q, Q, 1, CUR, false},
    {63, Z23, 37, ANY_RA, FLOAT_CONVERT, Q, LANE_EXTENDED, 1, CUR, false},
};

static const row *find_row(uint32_t word)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        uint32_t extended = word >> fields[r->form].shift & ((1u << fields[r->form].bits) - 1);
        if (r->primary == word >> 26 && r->extended == extended
            && (r->ra == ANY_RA || r->ra == RA(word)))
            return r;
    }
    return NULL;
}

static void set(float_operation *operation, unsigned what, unsigned lane, unsigned lanes)
{
    operation->what = what;
    operation->from = lane == SH ? D : lane;
    operation->to = lane;
    operation->lanes = lanes;
    operation->rounding = CUR;
    operation->vector = lanes > 1;
    operation->estimate = what == FLOAT_RECIPROCAL || what == FLOAT_RECIPROCAL_ROOT;
}

/* ---- the regular ones --------------------------------------------------------------------- */

/* A form: arithmetic of floating-point registers, single with primary opcode 59. */
static bool find_arithmetic(uint32_t word, float_operation *operation, float_places *places)
{
    unsigned what;
    switch (word >> 1 & 0x1f) {
    case 18: what = FLOAT_DIVIDE; break;
    case 20: what = FLOAT_SUBTRACT; break;
    case 21: what = FLOAT_ADD; break;
    case 22: what = FLOAT_SQUARE_ROOT; break;
    case 24: what = FLOAT_RECIPROCAL; break;
    case 25: what = FLOAT_MULTIPLY; places->b = RC(word); break;
    case 26: what = FLOAT_RECIPROCAL_ROOT; break;
    case 28: what = FLOAT_MULTIPLY_SUBTRACT; break;
    case 29: what = FLOAT_MULTIPLY_ADD; break;
    case 30: what = FLOAT_NEGATIVE_MULTIPLY_SUBTRACT; break;
    case 31: what = FLOAT_NEGATIVE_MULTIPLY_ADD; break;
    default: return false;
    }
    set(operation, what, word >> 26 == 59 ? SH : D, 1);
    return true;
}

/* Bits of VSX's extended opcodes for arithmetic. */
#define IS_VECTOR 0x40u
#define IS_DOUBLE 0x20u
#define IS_NEGATIVE 0x80u
#define IS_SUBTRACTION 0x10u
#define ADDS_B 0x08u

static bool find_vsx_arithmetic(uint32_t word, float_operation *operation, float_places *places)
{
    static const uint8_t four[] = {FLOAT_ADD, FLOAT_SUBTRACT, FLOAT_MULTIPLY, FLOAT_DIVIDE};
    unsigned extended = word >> 3 & 0xff, unary = word >> 2 & 0x1ff;
    bool vector, is_double;
    unsigned what;
    if ((extended & 0x87) == 0) {
        what = four[extended >> 3 & 3];
    } else if ((extended & 7) == 1) {
        what = FLOAT_MULTIPLY_ADD + (extended & IS_NEGATIVE ? 2u : 0u)
               + (extended & IS_SUBTRACTION ? 1u : 0u);
        places->b = extended & ADDS_B ? VSR_B(word) : VSR_T(word);
        places->c = extended & ADDS_B ? VSR_T(word) : VSR_B(word);
    } else {
        switch (unary & 0x13f) {
        case 10: what = FLOAT_RECIPROCAL_ROOT; break;
        case 11: what = FLOAT_SQUARE_ROOT; break;
        case 26: what = FLOAT_RECIPROCAL; break;
        default: return false;
        }
        extended = unary >> 1;
    }
    vector = extended & IS_VECTOR;
    is_double = extended & IS_DOUBLE;
    set(operation, what, is_double ? D : vector ? S : SH, !vector ? 1 : is_double ? 2 : 4);
    return true;
}

/* ---- the others --------------------------------------------------------------------------- */

/* xsrqpi and xsrqpxp name their rounding: R and RMC. */
static bool find_rounding(uint32_t word, float_operation *operation)
{
    static const uint8_t rounding[] = {ROUND_AWAY, CUR, CUR, CUR,
                                       ROUND_NEAREST, ROUND_ZERO, ROUND_UP, ROUND_DOWN};
    operation->rounding = rounding[(word >> 16 & 1) << 2 | (word >> 9 & 3)];
    if (word & 1 && operation->what == FLOAT_ROUND)
        operation->what = FLOAT_ROUND_EXACT;
    return true;
}

static bool find_listed(uint32_t word, float_operation *operation, float_places *places)
{
    const row *r = find_row(word);
    if (!r)
        return false;
    operation->what = r->what;
    operation->from = r->from;
    operation->to = r->to;
    operation->lanes = r->lanes;
    operation->rounding = r->rounding;
    operation->vector = r->vector;
    places->quad_facility = r->primary == 63 && (r->from == Q || r->to == Q);
    if (r->form == Z23)
        return find_rounding(word, operation);
    if (places->quad_facility && word & 1 && r->what != FLOAT_TO_SIGNED
        && r->what != FLOAT_TO_UNSIGNED)
        operation->rounding = ROUND_ODD;
    if (r->form == XX3C)
        places->record = word >> 10 & 1;
    return true;
}

bool float_find(uint32_t word, float_operation *operation, float_places *places)
{
    unsigned primary = word >> 26;
    operation->all = places->all = 0;
    if (primary != 59 && primary != 60 && primary != 63)
        return false;
    if (primary == 60) {
        places->t = VSR_T(word);
        places->a = VSR_A(word);
        places->b = VSR_B(word);
    } else {
        places->t = RT(word);
        places->a = RA(word);
        places->b = RB(word);
        places->c = RC(word);
        places->record = word & 1;
    }
    places->field = word >> 23 & 7;
    if (primary == 60 ? find_vsx_arithmetic(word, operation, places)
                      : find_arithmetic(word, operation, places))
        return true;
    if (!find_listed(word, operation, places))
        return false;
    if (places->quad_facility) {
        places->t += 32;
        places->a += 32;
        places->b += 32;
        places->record = false;
        if (operation->what >= FLOAT_MULTIPLY_ADD
            && operation->what <= FLOAT_NEGATIVE_MULTIPLY_SUBTRACT) {
            places->c = places->b;
            places->b = places->t;
        }
    }
    return true;
}
