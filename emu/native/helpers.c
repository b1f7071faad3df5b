/* Where the core's own functions for single instructions are wrong against the Power ISA, and what
   stands for them or is called before and after them (exchange.c). */
#include "helpers.h"

#include <stdlib.h>

#include "emulate.h"
#include "tlb.h"

#define FP_FX (1ull << 31)
#define FP_FEX (1ull << 30)
#define FP_VX (1ull << 29)
#define FP_VXSNAN (1ull << 24)
#define FP_VXCVI (1ull << 8)
#define FP_VE (1ull << 7)
#define FP_FPCC_SHIFT 12
#define FP_FPCC (0xfull << FP_FPCC_SHIFT)
#define FP_FPRF (0x1full << FP_FPCC_SHIFT)
#define FP_EXISTING 0x7fffff7ffull
#define FP_DRN_SHIFT 32
#define FP_QNAN (0x11ull << FP_FPCC_SHIFT)
#define CR_UNORDERED 1u
#define PROGRAM_IS_FP 0x10u /* of an error code; the rest tells which exception */
#define DECIMAL_QNAN 0x7c00000000000000ull
#define SINGLE_LEAST_EXPONENT 0x381 /* of single precision's normal numbers, as doubles have it */

/* The operand that an instruction may overwrite before it is looked at. */
static __thread vsr_value source;
static __thread uint64_t saved_fpscr;

static uint64_t *fpscr(uint8_t *env) { return window64(env, ENV_FPSCR); }

/* ---- the library's own -------------------------------------------------------------------- */

helpers_library library;

/* ---- status: instructions that write FPSCR ------------------------------------------------ */

/* The library looks for exceptions of arithmetic behind these instructions, too, and so loses FI:
   they only raise what they have set. */
void raise_deferred(uint8_t *env)
{
    uint8_t *cpu = *(uint8_t **)(*(uint8_t **)(env + ENV_UC) + UC_CPU);
    uint32_t exception = *window32(cpu, CPU_EXCEPTION), error = *window32(env, ENV_ERROR_CODE);
    if (exception == EXCEPTION_PROGRAM && (error & 0xf0) == PROGRAM_IS_FP
        && *window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1))
        library.raise(env, exception, error, (uintptr_t)__builtin_return_address(0) - 2);
}

/* What is reserved reads as 0. */
static void store_after(uint8_t *env, uint64_t value, uint32_t fields)
{
    (void)value, (void)fields;
    *fpscr(env) &= FP_EXISTING;
}

static void set_bit_after(uint8_t *env, uint32_t bit)
{
    (void)bit;
    *fpscr(env) &= FP_EXISTING;
}

static void set_vscr_after(uint8_t *env, uint32_t value)
{
    (void)value;
    flush_vector_operands(env);
}

/* Clearing FX must leave the upper half alone. */
static void clear_bit(uint8_t *env, uint32_t bit)
{
    uint64_t upper = *fpscr(env) & ~0xffffffffull;
    library.clear_bit(env, bit);
    *fpscr(env) |= upper;
}

/* ---- translation -------------------------------------------------------------------------- */

static void store_pid(uint8_t *env, uint64_t value)
{
    *window64(env, ENV_SPR + 8 * SPR_PID) = (uint32_t)value;
    if (running_core && running_core->env == env)
        tlb_select(running_core);
}

/* ---- fixed point -------------------------------------------------------------------------- */

static void divide_extended_after(uint8_t *env, uint64_t a, uint64_t b, uint32_t overflow_enabled)
{
    (void)a, (void)b;
    if (overflow_enabled)
        *window64(env, ENV_OV32) = *window64(env, ENV_OV);
}

/* ---- conversion to integers: what is too large gives the largest -------------------------- */

#define DOUBLE_ONE 0x3ff0000000000000ull
#define DOUBLE_INFINITY 0x7ff0000000000000ull
#define SINGLE_ONE 0x3f800000u
#define SINGLE_INFINITY 0x7f800000u

static bool is_large_double(uint64_t value)
{
    return value >= DOUBLE_ONE && value <= DOUBLE_INFINITY;
}

static bool is_large_single(uint32_t value)
{
    return value >= SINGLE_ONE && value <= SINGLE_INFINITY;
}

static uint64_t signed_word(uint8_t *env, uint64_t value, uint64_t result)
{
    (void)env;
    return (uint32_t)result == 0x80000000u && is_large_double(value) ? 0x7fffffffu : result;
}

static uint64_t unsigned_word(uint8_t *env, uint64_t value, uint64_t result)
{
    (void)env;
    return (uint32_t)result == 0 && is_large_double(value) ? 0xffffffffu : result;
}

static uint64_t signed_doubleword(uint8_t *env, uint64_t value, uint64_t result)
{
    (void)env;
    return result == 1ull << 63 && is_large_double(value) ? INT64_MAX : result;
}

static uint64_t unsigned_doubleword(uint8_t *env, uint64_t value, uint64_t result)
{
    (void)env;
    return result == 0 && is_large_double(value) ? UINT64_MAX : result;
}

static void keep_source(uint8_t *env, vsr_value *to, const vsr_value *from)
{
    (void)env, (void)to;
    source = *from;
}

static void keep_source_of(uint8_t *env, uint32_t word, vsr_value *to, const vsr_value *from)
{
    (void)word;
    keep_source(env, to, from);
}

#define DOUBLEWORDS_FROM_DOUBLES(name, convert, first)                        \
    static void name(uint8_t *env, vsr_value *to, const vsr_value *from)      \
    {                                                                         \
        (void)from;                                                           \
        for (int n = first; n < 2; n++)                                       \
            to->d[n] = convert(env, source.d[n], to->d[n]);                   \
    }
DOUBLEWORDS_FROM_DOUBLES(scalar_signed_doubleword, signed_doubleword, 1)
DOUBLEWORDS_FROM_DOUBLES(scalar_unsigned_doubleword, unsigned_doubleword, 1)
DOUBLEWORDS_FROM_DOUBLES(vector_signed_doubleword, signed_doubleword, 0)
DOUBLEWORDS_FROM_DOUBLES(vector_unsigned_doubleword, unsigned_doubleword, 0)

/* A word result stands in both words of its doubleword; the library writes the first one of a
   vector's and the second one of a scalar's. */
#define WORDS_FROM_DOUBLES(name, convert, first, written)                     \
    static void name(uint8_t *env, vsr_value *to, const vsr_value *from)      \
    {                                                                         \
        (void)from;                                                           \
        for (int n = first; n < 2; n++)                                       \
            to->w[2 * n] = to->w[2 * n + 1] =                                 \
                convert(env, source.d[n], to->w[2 * n + written]);            \
    }
WORDS_FROM_DOUBLES(scalar_signed_word, signed_word, 1, 0)
WORDS_FROM_DOUBLES(scalar_unsigned_word, unsigned_word, 1, 0)
WORDS_FROM_DOUBLES(vector_signed_word, signed_word, 0, 1)
WORDS_FROM_DOUBLES(vector_unsigned_word, unsigned_word, 0, 1)

static void repeat_words(uint8_t *env, vsr_value *to, const vsr_value *from)
{
    (void)env, (void)from;
    to->w[0] = to->w[1];
    to->w[2] = to->w[3];
}

static void repeat_scalar_word(uint8_t *env, vsr_value *to, const vsr_value *from)
{
    (void)env, (void)from;
    to->w[2] = to->w[3];
}

#define WORDS_FROM_SINGLES(name, least, most)                                 \
    static void name(uint8_t *env, vsr_value *to, const vsr_value *from)      \
    {                                                                         \
        (void)env, (void)from;                                                \
        for (int n = 0; n < 4; n++)                                           \
            if (to->w[n] == (least) && is_large_single(source.w[n]))          \
                to->w[n] = (most);                                            \
    }
WORDS_FROM_SINGLES(vector_signed_word_of_single, 0x80000000u, 0x7fffffffu)
WORDS_FROM_SINGLES(vector_unsigned_word_of_single, 0, 0xffffffffu)

#define DOUBLEWORDS_FROM_SINGLES(name, least, most)                           \
    static void name(uint8_t *env, vsr_value *to, const vsr_value *from)      \
    {                                                                         \
        (void)env, (void)from;                                                \
        for (int n = 0; n < 2; n++)                                           \
            if (to->d[n] == (least) && is_large_single(source.w[2 * n + 1]))  \
                to->d[n] = (most);                                            \
    }
DOUBLEWORDS_FROM_SINGLES(vector_signed_doubleword_of_single, 1ull << 63, INT64_MAX)
DOUBLEWORDS_FROM_SINGLES(vector_unsigned_doubleword_of_single, 0, UINT64_MAX)

/* From 1 to infinity; NaNs lie beyond. */
static bool is_large_quad(const vsr_value *value)
{
    return value->d[1] >= 0x3fff000000000000ull
           && (value->d[1] < 0x7fff000000000000ull
               || (value->d[1] == 0x7fff000000000000ull && !value->d[0]));
}

#define FROM_QUAD(name, least, most)                                                         \
    static void name(uint8_t *env, uint32_t word, vsr_value *to, const vsr_value *from)      \
    {                                                                                        \
        (void)env, (void)word, (void)from;                                                   \
        if (to->d[1] == (least) && is_large_quad(&source))                                   \
            to->d[1] = (most);                                                               \
    }
FROM_QUAD(quad_to_signed_doubleword, 1ull << 63, INT64_MAX)
FROM_QUAD(quad_to_signed_word, 0xffffffff80000000ull, INT32_MAX)
FROM_QUAD(quad_to_unsigned_doubleword, 0, UINT64_MAX)
FROM_QUAD(quad_to_unsigned_word, 0, UINT32_MAX)

#define DOUBLE_SIGN (1ull << 63)
#define DOUBLE_DEFAULT_NAN 0x7ff8000000000000ull
#define QUAD_QUIET (1ull << 47)

static bool is_nan_of_quad(const vsr_value *value)
{
    uint64_t magnitude = value->d[1] & ~DOUBLE_SIGN;
    return magnitude > 0x7fff000000000000ull
           || (magnitude == 0x7fff000000000000ull && value->d[0]);
}

/* The library takes other registers than the instruction names, exceptions of an earlier one
   for this one's, and a NaN whose payload does not fit for a positive one.  An exception finds the instruction's address in the state. */
static void quad_to_double(uint8_t *env, uint32_t word, vsr_value *to, vsr_value *from)
{
    uint8_t *cpu = *(uint8_t **)(*(uint8_t **)(env + ENV_UC) + UC_CPU);
    library.restore_state(cpu, (uintptr_t)__builtin_return_address(0) - 2, false);
    library.reset_status(env);
    to = vsr_of(env, 32 + RT(word));
    from = vsr_of(env, 32 + RB(word));
    const vsr_value value = *from;
    bool kept = *fpscr(env) & FP_VE && !(value.d[1] & QUAD_QUIET); /* the target */
    library.quad_to_double(env, word, to, from);
    if (is_nan_of_quad(&value) && !kept && to->d[1] == DOUBLE_DEFAULT_NAN)
        to->d[1] |= value.d[1] & DOUBLE_SIGN;
}

/* ---- comparison --------------------------------------------------------------------------- */

/* Numbers that cannot be ordered are not also greater. */
static void compare_after(uint8_t *env, uint32_t word, const vsr_value *a, const vsr_value *b)
{
    uint32_t *field = window32(env, ENV_CRF + 4 * (word >> 23 & 7));
    (void)a, (void)b;
    if (*field & CR_UNORDERED) {
        *field = CR_UNORDERED;
        *fpscr(env) = (*fpscr(env) & ~FP_FPCC) | CR_UNORDERED << FP_FPCC_SHIFT;
    }
}

/* ---- vectors ------------------------------------------------------------------------------ */

#define INSERT(name, size)                                                           \
    static void name(vsr_value *to, const vsr_value *from, uint32_t index)           \
    {                                                                                \
        uint8_t bytes[16];                                                           \
        memcpy(bytes, from->b + 8, size);                                            \
        for (uint32_t n = 0; n < size; n++) /* what lies beyond the end is lost */   \
            if (index + n < 16)                                                      \
                to->b[15 - index - n] = bytes[size - 1 - n];                         \
    }
INSERT(insert_byte, 1)
INSERT(insert_halfword, 2)
INSERT(insert_word, 4)
INSERT(insert_doubleword, 8)

/* Ones from bit `begin` to bit `end`, counted from the left, around the end if need be. */
static uint64_t mask(unsigned begin, unsigned end, unsigned width)
{
    uint64_t all = width == 64 ? ~0ull : (1ull << width) - 1;
    uint64_t from = all >> begin, past = end == width - 1 ? 0 : all >> (end + 1);
    return begin <= end ? from & ~past : (from | (all & ~past)) & all;
}

#define ROTATE(name, element, count, width, insert)                                       \
    static void name(vsr_value *to, const vsr_value *a, const vsr_value *b)               \
    {                                                                                     \
        for (int n = 0; n < count; n++) {                                                 \
            uint64_t value = a->element[n], control = b->element[n];                      \
            unsigned shift = control & (width - 1);                                       \
            uint64_t ones = mask(control >> 16 & (width - 1), control >> 8 & (width - 1), \
                                 width);                                                  \
            if (shift)                                                                    \
                value = value << shift | value >> (width - shift);                        \
            to->element[n] = (value & ones) | (insert ? to->element[n] & ~ones : 0);      \
        }                                                                                 \
    }
ROTATE(rotate_word_insert, w, 4, 32, true)
ROTATE(rotate_word_and, w, 4, 32, false)
ROTATE(rotate_doubleword_insert, d, 2, 64, true)
ROTATE(rotate_doubleword_and, d, 2, 64, false)

/* ---- decimal ------------------------------------------------------------------------------ */

/* A digit that is none makes a QNaN; the library leaves the target as it was. */
static void encode_before(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed)
{
    (void)to, (void)from, (void)is_signed;
    saved_fpscr = *fpscr(env);
    *fpscr(env) &= ~FP_VXCVI;
}

static bool encoding_failed(uint8_t *env)
{
    bool failed = *fpscr(env) & FP_VXCVI;
    *fpscr(env) |= saved_fpscr & FP_VXCVI;
    if (!failed || *fpscr(env) & FP_VE)
        return false;
    *fpscr(env) = (*fpscr(env) & ~FP_FPRF) | FP_QNAN;
    return true;
}

static void encode_after(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed)
{
    (void)from, (void)is_signed;
    if (encoding_failed(env))
        to->d[1] = DECIMAL_QNAN;
}

static void encode_pair_after(uint8_t *env, vsr_value *to, const vsr_value *from,
                              uint32_t is_signed)
{
    (void)from, (void)is_signed;
    if (encoding_failed(env)) {
        to[0].d[1] = DECIMAL_QNAN;
        to[1].d[1] = 0;
    }
}

/* The library's decimal arithmetic sees 32 bits of FPSCR: DRN lies in the others.  Each operation
   begins with a fresh context and sets its rounding; only what comes later is its own choice. */
static __thread bool fresh_context;
void *(*context_default)(void *context, int32_t kind);
void *(*context_set_rounding)(void *context, unsigned rounding);

void *default_context(void *context, int32_t kind)
{
    fresh_context = true;
    return context_default(context, kind);
}

void *set_rounding(void *context, unsigned rounding)
{
    /* decNumber's numbers for DRN's: half even, down, ceiling, floor, half up, half down, up,
       0 and 5 up */
    static const uint8_t rounding_of[] = {3, 5, 0, 6, 2, 4, 1, 7};
    core *c = running_core;
    if (fresh_context && c)
        rounding = rounding_of[*fpscr(c->env) >> FP_DRN_SHIFT & 7];
    fresh_context = false;
    return context_set_rounding(context, rounding);
}

/* ---- minimum, maximum, class -------------------------------------------------------------- */

#define DOUBLE_QUIET (1ull << 51)

static bool is_nan(uint64_t value) { return (value & ~DOUBLE_SIGN) > DOUBLE_INFINITY; }

static bool is_signaling(uint64_t value) { return is_nan(value) && !(value & DOUBLE_QUIET); }

static bool is_zero(uint64_t value) { return !(value & ~DOUBLE_SIGN); }

static bool less(uint64_t a, uint64_t b)
{
    int64_t x = a & DOUBLE_SIGN ? (int64_t)(DOUBLE_SIGN - a) : (int64_t)a;
    int64_t y = b & DOUBLE_SIGN ? (int64_t)(DOUBLE_SIGN - b) : (int64_t)b;
    return x < y;
}

/* As C has it: the second one unless the first is greater (less), or if there is a NaN. */
static uint64_t extreme_of_c(uint64_t a, uint64_t b, bool greatest)
{
    if (is_nan(a) || is_nan(b))
        return b;
    return less(a, b) != greatest ? a : b;
}

/* As Java has it: NaNs win, and -0 is less than +0. */
static uint64_t extreme_of_java(uint64_t a, uint64_t b, bool greatest)
{
    if (is_nan(a))
        return a;
    if (is_nan(b))
        return b;
    if (is_zero(a) && is_zero(b))
        return greatest ? a & b : a | b;
    return less(a, b) != greatest ? a : b;
}

/* The library takes other registers than the instruction names. */
static void extreme(uint8_t *env, uint32_t word, uint64_t result, uintptr_t return_address)
{
    bool invalid = is_signaling(vsr_of(env, VSR_A(word))->d[1])
                   || is_signaling(vsr_of(env, VSR_B(word))->d[1]);
    if (invalid)
        *fpscr(env) |= FP_VXSNAN | FP_VX | FP_FX;
    if (invalid && *fpscr(env) & FP_VE) {
        *fpscr(env) |= FP_FEX;
        if (*window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1))
            library.raise(env, EXCEPTION_PROGRAM, PROGRAM_IS_FP, return_address - 2);
    } else {
        vsr_of(env, VSR_T(word))->d[1] = result;
    }
}

#define EXTREME(name, of, greatest)                                                            \
    static void name(uint8_t *env, uint32_t word, vsr_value *to, const vsr_value *a,           \
                     const vsr_value *b)                                                       \
    {                                                                                          \
        (void)to, (void)a, (void)b;                                                            \
        extreme(env, word,                                                                     \
                of(vsr_of(env, VSR_A(word))->d[1], vsr_of(env, VSR_B(word))->d[1], greatest),        \
                (uintptr_t)__builtin_return_address(0));                                       \
    }
EXTREME(maximum_of_c, extreme_of_c, true)
EXTREME(minimum_of_c, extreme_of_c, false)
EXTREME(maximum_of_java, extreme_of_java, true)
EXTREME(minimum_of_java, extreme_of_java, false)

/* Whether single precision can hold it. */
static bool is_single(uint64_t value)
{
    unsigned exponent = value >> 52 & 0x7ff, lost = 29;
    if (is_zero(value))
        return true;
    if (exponent < SINGLE_LEAST_EXPONENT - 23)
        return false;
    if (exponent < SINGLE_LEAST_EXPONENT)
        lost += SINGLE_LEAST_EXPONENT - exponent;
    else if (exponent > SINGLE_LEAST_EXPONENT + 253 && exponent != 0x7ff)
        return false;
    return !((1ull << 52 | value) & ((1ull << lost) - 1));
}

static void test_class_of_single(uint8_t *env, uint32_t word, const vsr_value *b)
{
    uint64_t value = b->d[1];
    unsigned wanted = word >> 16 & 0x7f, negative = value >> 63;
    unsigned exponent = value >> 52 & 0x7ff, class;
    if (is_nan(value))
        class = 1 << 6;
    else if ((value & ~DOUBLE_SIGN) == DOUBLE_INFINITY)
        class = 1 << (negative ? 4 : 5);
    else if (is_zero(value))
        class = 1 << (negative ? 2 : 3);
    else
        class = exponent < SINGLE_LEAST_EXPONENT ? 1 << (negative ? 0 : 1) : 0;
    uint32_t result = negative << 3 | (wanted & class ? 2 : 0) | (is_single(value) ? 0 : 1);
    *window32(env, ENV_CRF + 4 * (word >> 23 & 7)) = result;
    *fpscr(env) = (*fpscr(env) & ~FP_FPCC) | (uint64_t)result << FP_FPCC_SHIFT;
}

/* ---- exchanging calls --------------------------------------------------------------------- */

exchange exchanges[] = {
    {"helper_store_pidr_ppc64", .instead = store_pid},
    {"helper_store_slb", .before = slb_replaced},
    {"helper_slbie", .after = slb_invalidated_one},
    {"helper_slbieg", .after = slb_invalidated_one},
    {"helper_slbia", .after = slb_invalidated},
    {"helper_mtvscr_ppc64", .after = set_vscr_after},
    {"helper_fpscr_clrbit_ppc64", .instead = clear_bit},
    {"helper_store_fpscr_ppc64", .after = store_after},
    {"helper_fpscr_setbit_ppc64", .after = set_bit_after},
    {"helper_divde", .after = divide_extended_after},
    {"helper_divdeu", .after = divide_extended_after},
    {"helper_divwe_ppc64", .after = divide_extended_after},
    {"helper_divweu_ppc64", .after = divide_extended_after},
    {"helper_fctiw_ppc64", .result = signed_word},
    {"helper_fctiwz_ppc64", .result = signed_word},
    {"helper_fctiwu_ppc64", .result = unsigned_word},
    {"helper_fctiwuz_ppc64", .result = unsigned_word},
    {"helper_fctid_ppc64", .result = signed_doubleword},
    {"helper_fctidz_ppc64", .result = signed_doubleword},
    {"helper_fctidu_ppc64", .result = unsigned_doubleword},
    {"helper_fctiduz_ppc64", .result = unsigned_doubleword},
    {"helper_xscvdpsxds_ppc64", .before = keep_source, .after = scalar_signed_doubleword},
    {"helper_xscvdpuxds_ppc64", .before = keep_source, .after = scalar_unsigned_doubleword},
    {"helper_xscvdpsxws_ppc64", .before = keep_source, .after = scalar_signed_word},
    {"helper_xscvdpuxws_ppc64", .before = keep_source, .after = scalar_unsigned_word},
    {"helper_xvcvdpsxds_ppc64", .before = keep_source, .after = vector_signed_doubleword},
    {"helper_xvcvdpuxds_ppc64", .before = keep_source, .after = vector_unsigned_doubleword},
    {"helper_xvcvdpsxws_ppc64", .before = keep_source, .after = vector_signed_word},
    {"helper_xvcvdpuxws_ppc64", .before = keep_source, .after = vector_unsigned_word},
    {"helper_xvcvspsxds_ppc64", .before = keep_source, .after = vector_signed_doubleword_of_single},
    {"helper_xvcvspuxds_ppc64", .before = keep_source,
     .after = vector_unsigned_doubleword_of_single},
    {"helper_xvcvspsxws_ppc64", .before = keep_source, .after = vector_signed_word_of_single},
    {"helper_xvcvspuxws_ppc64", .before = keep_source, .after = vector_unsigned_word_of_single},
    {"helper_xscvqpsdz_ppc64", .before = keep_source_of, .after = quad_to_signed_doubleword},
    {"helper_xscvqpswz_ppc64", .before = keep_source_of, .after = quad_to_signed_word},
    {"helper_xscvqpudz_ppc64", .before = keep_source_of, .after = quad_to_unsigned_doubleword},
    {"helper_xscvqpuwz_ppc64", .before = keep_source_of, .after = quad_to_unsigned_word},
    {"helper_xscvqpdp_ppc64", .instead = quad_to_double},
    {"helper_xscvdpsp_ppc64", .after = repeat_scalar_word},
    {"helper_xvcvdpsp_ppc64", .after = repeat_words},
    {"helper_xvcvsxdsp_ppc64", .after = repeat_words},
    {"helper_xvcvuxdsp_ppc64", .after = repeat_words},
    {"helper_xscmpodp_ppc64", .after = compare_after},
    {"helper_xscmpudp_ppc64", .after = compare_after},
    {"helper_xscmpoqp_ppc64", .after = compare_after},
    {"helper_xscmpuqp_ppc64", .after = compare_after},
    {"helper_xsmaxcdp_ppc64", .instead = maximum_of_c},
    {"helper_xsmincdp_ppc64", .instead = minimum_of_c},
    {"helper_xsmaxjdp_ppc64", .instead = maximum_of_java},
    {"helper_xsminjdp_ppc64", .instead = minimum_of_java},
    {"helper_xststdcsp_ppc64", .instead = test_class_of_single},
    {"helper_vinsertb_ppc64", .instead = insert_byte},
    {"helper_vinserth_ppc64", .instead = insert_halfword},
    {"helper_vinsertw_ppc64", .instead = insert_word},
    {"helper_vinsertd_ppc64", .instead = insert_doubleword},
    {"helper_vrlwmi_ppc64", .instead = rotate_word_insert},
    {"helper_vrlwnm_ppc64", .instead = rotate_word_and},
    {"helper_vrldmi_ppc64", .instead = rotate_doubleword_insert},
    {"helper_vrldnm_ppc64", .instead = rotate_doubleword_and},
    {"helper_denbcd", .before = encode_before, .after = encode_after},
    {"helper_denbcdq", .before = encode_before, .after = encode_pair_after},
};
const size_t exchange_count = sizeof exchanges / sizeof *exchanges;
