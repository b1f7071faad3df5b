/* Conversions of floating point the quick way: what stays in the midst of a format's range, and
   integers that a double holds without error. */
#include <float.h>

#include "floating_quick.h"

/* ---- lanes -------------------------------------------------------------------------------- */

static inline double read_double(const vsr_value *from, unsigned lane, unsigned n)
{
    switch (lane) {
    case LANE_SINGLE: return as_float(WORD(from, n));
    case LANE_SINGLE_EVEN: return as_float(WORD(from, 2 * n));
    default: return as_double(DWORD(from, n));
    }
}

/* A result as its word or doubleword has it. */
static inline uint64_t float_bits(unsigned lane, double value)
{
    switch (lane) {
    case LANE_SINGLE: return bits_of_float((float)value);
    case LANE_SINGLE_EVEN: return bits_of_float((float)value) * 0x100000001ull;
    default: return bits_of(value);
    }
}

static inline uint64_t integer_bits(unsigned lane, bool is_signed, double value)
{
    uint64_t bits = is_signed ? (uint64_t)(int64_t)value : (uint64_t)value;
    return lane == LANE_WORD_EVEN ? (uint32_t)bits * 0x100000001ull : bits;
}

static inline bool is_narrow(unsigned lane)
{
    return lane == LANE_SINGLE || lane == LANE_SINGLE_EVEN || lane == LANE_SHORT;
}

/* ---- to a floating-point number ----------------------------------------------------------- */

static inline bool round_to(unsigned lane, uint64_t fpscr, rounded *r)
{
    if (is_narrow(lane))
        return to_single(r) && direct(r, fpscr & FP_RN, SINGLE_STEP);
    return r->result == 0 || (fabs(r->result) >= DBL_MIN && fabs(r->result) <= DBL_MAX);
}

static inline bool of_number(float_operation operation, double value, uint64_t fpscr, rounded *r)
{
    *r = (rounded){value, 0};
    return round_to(operation.to, fpscr, r);
}

/* Up to 2^53 there are no others. */
static inline bool of_integer(float_operation operation, const vsr_value *from, unsigned n,
                              uint64_t fpscr, rounded *r)
{
    bool is_signed = operation.what == FLOAT_FROM_SIGNED;
    uint64_t bits = operation.from == LANE_DOUBLEWORD ? DWORD(from, n)
                    : operation.from == LANE_WORD     ? WORD(from, n)
                                                      : WORD(from, 2 * n);
    int64_t value = operation.from == LANE_DOUBLEWORD || !is_signed ? (int64_t)bits
                                                                    : (int32_t)bits;
    if (value > 1ll << 53 || value < (is_signed ? -(1ll << 53) : 0))
        return false;
    *r = (rounded){(double)value, 0};
    return round_to(operation.to, fpscr, r);
}

/* ---- to an integer ------------------------------------------------------------------------ */

static inline double truncated(double value)
{
    return fabs(value) < 0x1p62 ? copysign((double)(int64_t)value, value) : value;
}

static inline double rounded_up(double value)
{
    double less = truncated(value);
    return less < value ? less + 1 : less;
}

static inline double rounded_down(double value)
{
    double more = truncated(value);
    return more > value ? more - 1 : more;
}

/* Of two that are equally near the even one, or the one farther from zero. */
static inline double nearest(double value, bool even)
{
    double integer = truncated(value), rest = fabs(value - integer);
    bool other = rest > 0.5 || (rest == 0.5 && (!even || (int64_t)integer & 1));
    return other ? integer + copysign(1, value) : integer;
}

/* The integer as a number, and what is missing. */
static inline bool to_integral(unsigned rounding, uint64_t fpscr, double value, rounded *r)
{
    if (rounding == ROUND_CURRENT)
        rounding = fpscr & FP_RN;
    switch (rounding) {
    case ROUND_NEAREST: r->result = nearest(value, true); break;
    case ROUND_ZERO: r->result = truncated(value); break;
    case ROUND_UP: r->result = rounded_up(value); break;
    case ROUND_DOWN: r->result = rounded_down(value); break;
    default: r->result = nearest(value, false);
    }
    r->error = value - r->result;
    return fabs(value) <= DBL_MAX;
}

static inline bool fits(float_operation operation, double value)
{
    bool is_long = operation.to == LANE_DOUBLEWORD;
    if (operation.what == FLOAT_TO_UNSIGNED)
        return value >= 0 && value < (is_long ? 0x1p64 : 0x1p32);
    return value >= (is_long ? -0x1p63 : -0x1p31) && value < (is_long ? 0x1p63 : 0x1p31);
}

/* ---- instructions ------------------------------------------------------------------------- */

/* A lane's result, if it is a quick one. */
static inline bool convert_lane(float_operation operation, const vsr_value *from, unsigned n,
                                uint64_t fpscr, uint64_t *bits, rounded *r)
{
    switch (operation.what) {
    case FLOAT_CONVERT:
        if (!of_number(operation, read_double(from, operation.from, n), fpscr, r))
            return false;
        break;
    case FLOAT_FROM_SIGNED:
    case FLOAT_FROM_UNSIGNED:
        if (!of_integer(operation, from, n, fpscr, r))
            return false;
        break;
    case FLOAT_TO_SIGNED:
    case FLOAT_TO_UNSIGNED:
        if (!to_integral(operation.rounding, fpscr, read_double(from, operation.from, n), r)
            || !fits(operation, r->result))
            return false;
        *bits = integer_bits(operation.to, operation.what == FLOAT_TO_SIGNED, r->result);
        return true;
    default:
        if (!to_integral(operation.rounding, fpscr, read_double(from, operation.from, n), r))
            return false;
        if (operation.what == FLOAT_ROUND)
            r->error = 0;
    }
    *bits = float_bits(operation.to, r->result);
    return true;
}

/* A conversion to an integer has no class. */
static inline void tell_integer(uint8_t *env, float_places places, const rounded *r)
{
    uint64_t before = *fpscr_of(env) & FP_FPRF;
    tell(env, places, r);
    *fpscr_of(env) = (*fpscr_of(env) & ~FP_FPRF) | before;
}

static inline void convert_scalar(uint8_t *env, float_operation operation, float_places at,
                                  void *return_address)
{
    uint64_t fpscr = *fpscr_of(env), bits;
    rounded r;
    if (fpscr & FP_XE || !convert_lane(operation, vsr_of(env, at.b), 0, fpscr, &bits, &r)) {
        float_slowly(env, operation, at, return_address);
        return;
    }
    if (operation.what == FLOAT_TO_SIGNED || operation.what == FLOAT_TO_UNSIGNED)
        tell_integer(env, at, &r);
    else
        tell(env, at, &r);
    *vsr_of(env, at.t) = (vsr_value){.d = {0, bits}};
}

static void convert_vector(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_operation what = {.all = operation};
    float_places at = {.all = places};
    uint64_t fpscr = *fpscr_of(env), bits;
    vsr_value t;
    rounded r;
    bool quickly = !(fpscr & FP_XE), exact = true;
    for (unsigned n = 0; quickly && n < what.lanes; n++) {
        quickly = convert_lane(what, vsr_of(env, at.b), n, fpscr, &bits, &r);
        exact &= r.error == 0;
        if (what.lanes == 2)
            DWORD(&t, n) = bits;
        else
            WORD(&t, n) = (uint32_t)bits;
    }
    if (!quickly) {
        float_slowly(env, what, at, __builtin_return_address(0));
        return;
    }
    if (!exact)
        *fpscr_of(env) = inexact(fpscr);
    *vsr_of(env, at.t) = t;
}

static void convert_any(uint8_t *env, uint64_t operation, uint64_t places)
{
    convert_scalar(env, (float_operation){.all = operation}, (float_places){.all = places},
                   __builtin_return_address(0));
}

/* The same, translated for these alone. */
#define CONVERSION(name, does, source, target)                                           \
    static void name(uint8_t *env, uint64_t operation, uint64_t places)                  \
    {                                                                                    \
        float_operation what = {.all = operation};                                       \
        what.what = does, what.from = source, what.to = target;                          \
        convert_scalar(env, what, (float_places){.all = places},                         \
                       __builtin_return_address(0));                                     \
    }
CONVERSION(to_doubleword, FLOAT_TO_SIGNED, LANE_DOUBLE, LANE_DOUBLEWORD)
CONVERSION(to_word, FLOAT_TO_SIGNED, LANE_DOUBLE, LANE_WORD_EVEN)
CONVERSION(from_doubleword, FLOAT_FROM_SIGNED, LANE_DOUBLEWORD, LANE_DOUBLE)
CONVERSION(to_integral_double, FLOAT_ROUND, LANE_DOUBLE, LANE_DOUBLE)

/* Formats that the host computes with. */
static bool is_plain(unsigned lane)
{
    switch (lane) {
    case LANE_DOUBLE:
    case LANE_SINGLE:
    case LANE_SINGLE_EVEN:
    case LANE_SHORT:
    case LANE_DOUBLEWORD:
    case LANE_WORD:
    case LANE_WORD_EVEN: return true;
    default: return false;
    }
}

float_function quick_conversion_for(float_operation operation)
{
    if (operation.what < FLOAT_CONVERT || operation.what > FLOAT_FROM_UNSIGNED
        || !is_plain(operation.from) || !is_plain(operation.to))
        return NULL;
    if (!operation.vector && operation.from == LANE_DOUBLE) {
        if (operation.what == FLOAT_TO_SIGNED)
            return operation.to == LANE_DOUBLEWORD ? to_doubleword : to_word;
        if (operation.what == FLOAT_ROUND)
            return to_integral_double;
    }
    if (!operation.vector && operation.what == FLOAT_FROM_SIGNED && operation.to == LANE_DOUBLE)
        return from_doubleword;
    return operation.vector ? convert_vector : convert_any;
}
