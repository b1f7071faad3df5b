/* The Matrix-Multiply Assist: outer products added up in accumulators (Power ISA v3.1, I 7.6.1.14).

   An accumulator is four vector-scalar registers, of which programs must not know; here it is
   those registers, so that moving it there and back does nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "emulate.h"
#include "interpose.h"

#define XO(word) ((word) >> 3 & 0xff)
#define ACCUMULATOR(word) ((word) >> 23 & 7)
#define ROWS 4

enum format { I4, I8, I16, BFLOAT, HALF, SINGLE, DOUBLE };

/* What else is done with a product, or with a sum of some. */
enum { ADDED = 1, SATURATED = 2, MINUS_PRODUCT = 4, MINUS_SUM = 8 };

typedef struct {
    uint8_t xo, format, how;
} matrix_rule;

#define FLOATING(xo, format)                                                                  \
    {xo, format, 0}, {(xo) - 1, format, ADDED}, {((xo) - 1) | 0x80, format, ADDED | MINUS_SUM}, \
        {((xo) - 1) | 0x40, format, ADDED | MINUS_PRODUCT},                                   \
        {((xo) - 1) | 0xc0, format, ADDED | MINUS_PRODUCT | MINUS_SUM}

static const matrix_rule rules[] = {
    {35, I4, 0},          {34, I4, ADDED},
    {3, I8, 0},           {2, I8, ADDED},          {99, I8, ADDED | SATURATED},
    {75, I16, 0},         {43, I16, SATURATED},    {107, I16, ADDED},
    {42, I16, ADDED | SATURATED},
    FLOATING(51, BFLOAT), FLOATING(19, HALF),      FLOATING(27, SINGLE),
    FLOATING(59, DOUBLE),
};

/* Which rows, columns and products of a sum count: bit 0 of each stands to the left. */
typedef struct {
    unsigned rows, columns, products;
} masks;

static bool masked_in(unsigned mask, unsigned count, unsigned n)
{
    return mask >> (count - 1 - n) & 1;
}

/* ---- integers ------------------------------------------------------------------------------- */

static int64_t widened(quadword value, unsigned bits, bool is_signed)
{
    unsigned shift = 64 - bits;
    return is_signed ? (int64_t)((uint64_t)value << shift) >> shift : (int64_t)value;
}

static uint32_t saturated(core *c, int64_t sum)
{
    if (sum == (int32_t)sum)
        return (uint32_t)sum;
    *window32(c->env, ENV_VSCR_SAT) = 1;
    return sum < 0 ? 0x80000000u : 0x7fffffffu;
}

/* Products of elements of 4, 8 or 16 bits, as many as a word has; bytes of B are unsigned. */
static uint32_t integer_sum(core *c, const matrix_rule *rule, quadword a, quadword b, masks which,
                            unsigned i, unsigned j, uint32_t before)
{
    unsigned bits = rule->format == I4 ? 4 : rule->format == I8 ? 8 : 16, count = 32 / bits;
    int64_t sum = rule->how & ADDED ? (int32_t)before : 0;
    for (unsigned k = 0; k < count; k++)
        if (masked_in(which.products, count, k))
            sum += widened(element(a, bits, count * i + k), bits, true)
                   * widened(element(b, bits, count * j + k), bits, rule->format != I8);
    return rule->how & SATURATED ? saturated(c, sum) : (uint32_t)sum;
}

/* ---- floating point: the library's arithmetic ------------------------------------------------ */

/* What the library's functions take and leave, as at ENV_VECTOR_STATUS. */
typedef struct {
    int8_t tiny_before_rounding, rounding;
    uint8_t found;
    uint8_t others[5];
} float_state;

/* With it, the causes of invalid operations, which the library does not tell apart. */
typedef struct {
    float_state library;
    uint64_t invalid; /* bits of FPSCR */
} sums;

enum { TO_ODD = 5 };
enum { NEGATE_ADDEND = 1, NEGATE_RESULT = 4 };
#define SIGN_BIT (1ull << 63)
#define INFINITE 0x7ff0000000000000ull
#define QUIET_BIT 0x0008000000000000ull
#define SIGNALING (INFINITE | 1)
#define ONE 0x3ff0000000000000ull
enum { INVALID = 1, OVERFLOW = 8, UNDERFLOW = 16, INEXACT = 32 };

static struct {
    uint32_t (*multiply_single)(uint32_t, uint32_t, float_state *);
    uint32_t (*multiply_add_single)(uint32_t, uint32_t, uint32_t, int, float_state *);
    uint64_t (*multiply)(uint64_t, uint64_t, float_state *);
    uint64_t (*multiply_add)(uint64_t, uint64_t, uint64_t, int, float_state *);
    uint64_t (*add)(uint64_t, uint64_t, float_state *);
    uint64_t (*from_half)(uint16_t, bool, float_state *);
    uint64_t (*from_single)(uint32_t, float_state *);
    uint32_t (*to_single)(uint64_t, float_state *);
} arithmetic;

static const struct {
    const char *name;
    void *function;
} functions[] = {
    {"float32_mul_ppc64", &arithmetic.multiply_single},
    {"float32_muladd_ppc64", &arithmetic.multiply_add_single},
    {"float64_mul_ppc64", &arithmetic.multiply},
    {"float64_muladd_ppc64", &arithmetic.multiply_add},
    {"float64_add_ppc64", &arithmetic.add},
    {"float16_to_float64_ppc64", &arithmetic.from_half},
    {"float32_to_float64_ppc64", &arithmetic.from_single},
    {"float64_to_float32_ppc64", &arithmetic.to_single},
};

const char *matrix_load(void *library)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!(*(void **)functions[i].function = dlsym(library, functions[i].name)))
            return functions[i].name;
    return NULL;
}

static bool is_signaling(uint64_t number)
{
    return (number & QUIET_BIT) == 0 && (number & ~SIGN_BIT) > INFINITE;
}

/* Of a product and its addend: finds why the operation on them was invalid, if it was. */
static void note_invalid(sums *state, uint64_t a, uint64_t b, uint64_t addend)
{
    if (!(state->library.found & INVALID))
        return;
    state->library.found &= (uint8_t)~INVALID;
    uint64_t of_a = a & ~SIGN_BIT, of_b = b & ~SIGN_BIT, causes = 0;
    if (is_signaling(a) || is_signaling(b) || is_signaling(addend))
        causes |= FPSCR_VXSNAN;
    if ((of_a == INFINITE && of_b == 0) || (of_a == 0 && of_b == INFINITE))
        causes |= FPSCR_VXIMZ;
    state->invalid |= causes ? causes : FPSCR_VXISI;
}

static int flags_of(unsigned how)
{
    bool product = how & MINUS_PRODUCT, sum = how & MINUS_SUM;
    return (product != sum ? NEGATE_ADDEND : 0) | (product ? NEGATE_RESULT : 0);
}

static uint32_t single_product(const matrix_rule *rule, uint32_t a, uint32_t b, uint32_t before,
                               sums *state)
{
    bool adds = rule->how & ADDED;
    uint32_t result = adds ? arithmetic.multiply_add_single(a, b, before, flags_of(rule->how),
                                                            &state->library)
                           : arithmetic.multiply_single(a, b, &state->library);
    note_invalid(state, single_to_double(a), single_to_double(b),
                 adds ? single_to_double(before) : 0);
    return result;
}

static uint64_t double_product(const matrix_rule *rule, uint64_t a, uint64_t b, uint64_t before,
                               sums *state)
{
    bool adds = rule->how & ADDED;
    uint64_t result =
        adds ? arithmetic.multiply_add(a, b, before, flags_of(rule->how), &state->library)
             : arithmetic.multiply(a, b, &state->library);
    note_invalid(state, a, b, adds ? before : 0);
    return result;
}

/* Element n of 16 bits, as a double; 0 where it does not count. */
static uint64_t from_16_bits(const matrix_rule *rule, quadword value, unsigned n, bool counts,
                             sums *state)
{
    uint16_t bits = (uint16_t)element(value, 16, n);
    if (!counts)
        return 0;
    uint64_t number = rule->format == HALF
                          ? arithmetic.from_half(bits, true, &state->library)
                          : arithmetic.from_single((uint32_t)bits << 16, &state->library);
    note_invalid(state, SIGNALING, 0, 0);
    return number;
}

static uint64_t from_single(uint32_t single, sums *state)
{
    uint64_t number = arithmetic.from_single(single, &state->library);
    note_invalid(state, SIGNALING, 0, 0);
    return number;
}

static uint64_t negated_if(bool negate, uint64_t number)
{
    bool nan = (number & ~SIGN_BIT) > INFINITE;
    return negate && !nan ? number ^ SIGN_BIT : number;
}

/* a * b + addend as a single: what is rounded to odd as a double is then rounded right.  The sign
   of an exact 0 goes by the rounding that holds. */
static uint32_t multiply_add_to_single(uint64_t a, uint64_t b, uint64_t addend, sums *state)
{
    float_state *library = &state->library;
    int8_t rounding = library->rounding;
    library->rounding = TO_ODD;
    uint64_t sum = arithmetic.multiply_add(a, b, addend, 0, library);
    library->rounding = rounding;
    if (!(sum & ~SIGN_BIT))
        sum = arithmetic.multiply_add(a, b, addend, 0, library);
    note_invalid(state, a, b, addend);
    return arithmetic.to_single(sum, library);
}

static uint32_t sum_of_two(const matrix_rule *rule, quadword a, quadword b, masks which, unsigned i,
                           unsigned j, uint32_t before, sums *state)
{
    bool first = which.products & 2, second = which.products & 1;
    uint64_t a0 = from_16_bits(rule, a, 2 * i, first, state),
             b0 = from_16_bits(rule, b, 2 * j, first, state),
             a1 = from_16_bits(rule, a, 2 * i + 1, second, state),
             b1 = from_16_bits(rule, b, 2 * j + 1, second, state);
    uint64_t product = arithmetic.multiply(a0, b0, &state->library); /* exact */
    note_invalid(state, a0, b0, 0);
    uint32_t result = multiply_add_to_single(a1, b1, product, state);
    if (!(rule->how & ADDED))
        return result;
    uint64_t sum = negated_if(rule->how & MINUS_PRODUCT, from_single(result, state)),
             addend = negated_if(rule->how & MINUS_SUM, from_single(before, state));
    return multiply_add_to_single(sum, ONE, addend, state);
}

/* What happened, to FPSCR. */
static uint64_t causes_of(const sums *state)
{
    unsigned found = state->library.found;
    return state->invalid | (found & OVERFLOW ? FPSCR_OX : 0) | (found & UNDERFLOW ? FPSCR_UX : 0)
           | (found & INEXACT ? FPSCR_XX : 0);
}

/* ---- rows and columns ----------------------------------------------------------------------- */

static void multiply_doubles(core *c, const matrix_rule *rule, uint32_t word, masks which,
                             sums *state)
{
    vsr_value result[ROWS], *rows = vsr_of(c->env, 4 * ACCUMULATOR(word));
    const vsr_value *a = vsr_of(c->env, VSR_A(word)), *b = vsr_of(c->env, VSR_B(word));
    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned j = 0; j < 2; j++) {
            bool counts = masked_in(which.rows, ROWS, i) && masked_in(which.columns, 2, j);
            DWORD(&result[i], j) = counts ? double_product(rule, DWORD(&a[i / 2], i % 2),
                                                           DWORD(b, j), DWORD(&rows[i], j), state)
                                          : 0;
        }
    memcpy(rows, result, sizeof result);
}

static uint32_t word_of(core *c, const matrix_rule *rule, quadword a, quadword b, masks which,
                        unsigned i, unsigned j, uint32_t before, sums *state)
{
    switch (rule->format) {
    case SINGLE:
        return single_product(rule, (uint32_t)element(a, 32, i), (uint32_t)element(b, 32, j),
                              before, state);
    case BFLOAT:
    case HALF: return sum_of_two(rule, a, b, which, i, j, before, state);
    default: return integer_sum(c, rule, a, b, which, i, j, before);
    }
}

static void multiply_words(core *c, const matrix_rule *rule, uint32_t word, masks which,
                           sums *state)
{
    vsr_value *rows = vsr_of(c->env, 4 * ACCUMULATOR(word));
    quadword a = vsr_of(c->env, VSR_A(word))->q, b = vsr_of(c->env, VSR_B(word))->q;
    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned j = 0; j < 4; j++) {
            bool counts = masked_in(which.rows, ROWS, i) && masked_in(which.columns, 4, j);
            WORD(&rows[i], j) = counts ? word_of(c, rule, a, b, which, i, j, WORD(&rows[i], j),
                                                 state)
                                       : 0;
        }
}

/* ---- which one ------------------------------------------------------------------------------ */

static const matrix_rule *find(uint32_t word)
{
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++)
        if (rules[n].xo == XO(word))
            return &rules[n];
    return NULL;
}

static masks masks_of(uint32_t prefix, enum format format)
{
    masks which = {prefix >> 4 & 15, prefix & 15, 3};
    switch (format) {
    case I4: which.products = prefix >> 8 & 0xff; break;
    case I8: which.products = prefix >> 12 & 15; break;
    case DOUBLE: which.columns = prefix >> 2 & 3; break;
    case SINGLE: break;
    default: which.products = prefix >> 14 & 3;
    }
    return which;
}

enum emulated emulate_matrix(core *c, uint64_t address, uint32_t prefix, uint32_t word)
{
    static const int8_t roundings[] = {0, 3, 2, 1}; /* as the library numbers RN's */
    const matrix_rule *rule = word >> 26 == 59 ? find(word) : NULL;
    bool pair_is_odd = rule && rule->format == DOUBLE && VSR_A(word) & 1;
    bool overlaps = VSR_A(word) / ROWS == ACCUMULATOR(word)
                    || VSR_B(word) / ROWS == ACCUMULATOR(word);
    if (!rule || word & 1 || pair_is_odd || overlaps)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    sums state = {.library = {
                      .tiny_before_rounding = 1,
                      .rounding = roundings[FPSCR_ROUNDING(core_fpscr(c))],
                  }};
    masks which = prefix ? masks_of(prefix, rule->format)
                         : (masks){15, rule->format == DOUBLE ? 3 : 15, 0xff};
    (rule->format == DOUBLE ? multiply_doubles : multiply_words)(c, rule, word, which, &state);
    /* Done as if no exception were enabled. */
    return rule->format < BFLOAT ? DONE : raise_floating(c, address, causes_of(&state), 0, NULL, 0);
}

enum emulated emulate_accumulator(core *c, uint64_t address, uint32_t word)
{
    if (RA(word) != 0 && RA(word) != 1 && RA(word) != 3)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    if (RA(word) == 3) /* xxsetaccz */
        memset(vsr_of(c->env, 4 * ACCUMULATOR(word)), 0, ROWS * sizeof(vsr_value));
    return DONE;
}
