/* Floating point the quick way: the host's own arithmetic rounds to nearest, and its error, which
   it can compute without one, says whether the result is exact and to which side it was rounded.
   That is all FPSCR wants to know of a number in the midst of its range; where anything else may
   happen (NaNs, infinities, results near either end, other roundings, exceptions of inexactness
   that interrupt), floating_execute.c does it. */
#include <float.h>
#include <math.h>

#include "floating.h"
#include "helpers.h"

#define LEAST 0x1p-900
#define MOST 0x1p1000

typedef struct {
    double result, error; /* their sum is exact, or the error has the sign of what is missing */
} rounded;

static inline double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline bool within(double value) { return fabs(value) >= LEAST && fabs(value) <= MOST; }

/* ---- operations (Boldo and Muller, "Exact and approximated error of the FMA", 2011) ------- */

static inline rounded two_sum(double a, double b)
{
    double sum = a + b, of_b = sum - a;
    return (rounded){sum, (a - (sum - of_b)) + (b - of_b)};
}

static inline bool quick_add(double a, double b, double c, rounded *r)
{
    (void)c;
    *r = two_sum(a, b);
    return fabs(r->result) <= MOST && (r->result == 0 || fabs(r->result) >= DBL_MIN);
}

static inline bool quick_subtract(double a, double b, double c, rounded *r)
{
    return quick_add(a, -b, c, r);
}

static inline bool quick_multiply(double a, double b, double c, rounded *r)
{
    (void)c;
    r->result = a * b;
    r->error = fma(a, b, -r->result);
    return within(r->result) || (r->result == 0 && (a == 0 || b == 0));
}

static inline bool quick_divide(double a, double b, double c, rounded *r)
{
    (void)c;
    r->result = a / b;
    r->error = fma(-r->result, b, a);
    if (b < 0)
        r->error = -r->error;
    return (within(a) && within(r->result)) || (a == 0 && within(b));
}

static inline bool quick_square_root(double a, double b, double c, rounded *r)
{
    (void)a, (void)c;
    if (!(b >= LEAST && b <= MOST))
        return false;
    r->result = sqrt(b);
    r->error = fma(-r->result, r->result, b);
    return true;
}

static inline bool quick_multiply_add(double a, double b, double c, rounded *r)
{
    double product = a * c;
    if (b == 0 && within(product)) {
        *r = (rounded){product, fma(a, c, -product)};
        return true;
    }
    if (product == 0 && (a == 0 || c == 0) && (b == 0 || within(b))) {
        *r = (rounded){product + b, 0};
        return true;
    }
    if (!within(product) || !within(b))
        return false;
    rounded of_sum = two_sum(b, fma(a, c, -product)), of_all = two_sum(product, of_sum.result);
    r->result = fma(a, c, b);
    double rest = (of_all.result - r->result) + of_all.error;
    r->error = rest + of_sum.error;
    return r->result == 0 || within(r->result);
}

static inline bool quick_multiply_subtract(double a, double b, double c, rounded *r)
{
    return quick_multiply_add(a, -b, c, r);
}

static inline bool negated(bool done, rounded *r)
{
    r->result = -r->result;
    r->error = -r->error;
    return done;
}

static inline bool quick_negative_multiply_add(double a, double b, double c, rounded *r)
{
    return negated(quick_multiply_add(a, b, c, r), r);
}

static inline bool quick_negative_multiply_subtract(double a, double b, double c, rounded *r)
{
    return negated(quick_multiply_add(a, -b, c, r), r);
}

static inline bool quick_convert(double a, double b, double c, rounded *r)
{
    (void)a, (void)c;
    *r = (rounded){b, 0};
    return b == 0 || within(b);
}

/* Rounds again, to single precision: right unless the first rounding made it a halfway case. */
static inline bool to_single(rounded *r)
{
    double value = r->result, magnitude = fabs(value);
    if (value == 0)
        return r->error == 0;
    if (!(magnitude >= 0x1p-125 && magnitude < 0x1p127)
        || ((bits_of(value) & 0x1fffffff) == 0x10000000 && r->error != 0))
        return false;
    r->result = (float)value;
    if (r->result != value)
        r->error = value - r->result;
    return true;
}

/* ---- FPSCR -------------------------------------------------------------------------------- */

static inline bool is_quick(uint64_t fpscr) { return !(fpscr & (FP_RN | FP_XE)); }

static inline uint64_t inexact(uint64_t fpscr)
{
    return fpscr & FP_XX ? fpscr : fpscr | FP_XX | FP_FX;
}

static inline void finish(uint8_t *env, float_places places, const rounded *r)
{
    static const uint8_t class[] = {0x04, 0x08, 0x02, 0x12};
    bool negative = signbit(r->result);
    uint64_t fpscr = *fpscr_of(env) & ~(FP_FPRF | FP_FR | FP_FI);
    fpscr |= (uint64_t)class[(r->result == 0) << 1 | negative] << FP_FPRF_SHIFT;
    if (r->error != 0) {
        fpscr = inexact(fpscr) | FP_FI;
        if ((r->error < 0) != negative)
            fpscr |= FP_FR;
    }
    *fpscr_of(env) = fpscr;
    *vsr_of(env, places.t) = (vsr_value){.d = {0, bits_of(r->result)}};
    if (places.record)
        *window32(env, ENV_CRF + 4) = fpscr >> 28 & 0xf;
}

/* ---- what translated code calls ----------------------------------------------------------- */

static void slowly(uint8_t *env, uint64_t operation, uint64_t places, void *return_address)
{
    if (float_execute(env, (float_operation){.all = operation}, (float_places){.all = places})
        && *window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1))
        interrupt_floating(env, return_address);
}

static void any_way(uint8_t *env, uint64_t operation, uint64_t places)
{
    slowly(env, operation, places, __builtin_return_address(0));
}

#define OPERAND(n) as_double(vsr_of(env, at.n)->d[1])

#define SCALAR(name, quick, single)                                                      \
    static void name(uint8_t *env, uint64_t operation, uint64_t places)                  \
    {                                                                                    \
        float_places at = {.all = places};                                               \
        rounded r;                                                                       \
        if (is_quick(*fpscr_of(env)) && quick(OPERAND(a), OPERAND(b), OPERAND(c), &r)    \
            && (!single || to_single(&r)))                                               \
            finish(env, at, &r);                                                         \
        else                                                                             \
            slowly(env, operation, places, __builtin_return_address(0));                 \
    }

#define VECTOR(name, quick, count, lane, operand, bits)                                  \
    static void name(uint8_t *env, uint64_t operation, uint64_t places)                  \
    {                                                                                    \
        float_places at = {.all = places};                                               \
        const vsr_value *a = vsr_of(env, at.a), *b = vsr_of(env, at.b),                  \
                        *c = vsr_of(env, at.c);                                          \
        vsr_value t = {0};                                                               \
        rounded r;                                                                       \
        bool quickly = is_quick(*fpscr_of(env)), exact = true;                           \
        for (int n = 0; quickly && n < count; n++) {                                     \
            quickly = quick(operand(a->lane[n]), operand(b->lane[n]), operand(c->lane[n]), &r) \
                      && (count == 2 || to_single(&r));                                  \
            exact &= r.error == 0;                                                       \
            t.lane[n] = bits(r.result);                                                  \
        }                                                                                \
        if (!quickly) {                                                                  \
            slowly(env, operation, places, __builtin_return_address(0));                 \
            return;                                                                      \
        }                                                                                \
        if (!exact)                                                                      \
            *fpscr_of(env) = inexact(*fpscr_of(env));                                    \
        *vsr_of(env, at.t) = t;                                                          \
    }

#define FOUR(name)                                                                       \
    SCALAR(scalar_##name, quick_##name, false)                                           \
    SCALAR(short_##name, quick_##name, true)                                             \
    VECTOR(doubles_##name, quick_##name, 2, d, as_double, bits_of)                       \
    VECTOR(singles_##name, quick_##name, 4, w, as_float, bits_of_float)
FOUR(add)
FOUR(subtract)
FOUR(multiply)
FOUR(divide)
FOUR(multiply_add)
FOUR(multiply_subtract)
FOUR(negative_multiply_add)
FOUR(negative_multiply_subtract)
FOUR(square_root)
SCALAR(short_convert, quick_convert, true)

static void compare(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_places at = {.all = places};
    double a = OPERAND(a), b = OPERAND(b);
    if (a != a || b != b) {
        slowly(env, operation, places, __builtin_return_address(0));
        return;
    }
    uint32_t found = a < b ? 8 : a > b ? 4 : 2;
    *window32(env, ENV_CRF + 4 * at.field) = found;
    *fpscr_of(env) = (*fpscr_of(env) & ~FP_FPCC) | (uint64_t)found << FP_FPRF_SHIFT;
}

/* Exactly, or toward zero. */
static void to_integer(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_places at = {.all = places};
    float_operation what = {.all = operation};
    double b = OPERAND(b), limit = what.to == LANE_DOUBLEWORD ? 0x1p63 : 0x1p31;
    int64_t integer;
    bool fits = fabs(b) < limit && !(*fpscr_of(env) & FP_XE);
    integer = fits ? (int64_t)b : 0;
    bool exact = (double)integer == b;
    if (!fits || !(exact || what.rounding == ROUND_ZERO)) {
        slowly(env, operation, places, __builtin_return_address(0));
        return;
    }
    uint64_t fpscr = *fpscr_of(env) & ~(FP_FR | FP_FI);
    *fpscr_of(env) = exact ? fpscr : inexact(fpscr) | FP_FI;
    uint64_t bits = what.to == LANE_DOUBLEWORD ? (uint64_t)integer
                                               : (uint32_t)integer * 0x100000001ull;
    *vsr_of(env, at.t) = (vsr_value){.d = {0, bits}};
    if (at.record)
        *window32(env, ENV_CRF + 4) = *fpscr_of(env) >> 28 & 0xf;
}

static void from_integer(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_places at = {.all = places};
    int64_t integer = (int64_t)vsr_of(env, at.b)->d[1];
    rounded r = {(double)integer, 0};
    if (integer >= -(1ll << 53) && integer <= 1ll << 53)
        finish(env, at, &r);
    else
        slowly(env, operation, places, __builtin_return_address(0));
}

/* ---- which one ---------------------------------------------------------------------------- */

#define ROW(what, name)                                                                  \
    [what] = {[LANE_DOUBLE] = {scalar_##name, doubles_##name},                           \
              [LANE_SHORT] = {short_##name, NULL}, [LANE_SINGLE] = {NULL, singles_##name}}

float_function float_function_for(float_operation operation)
{
    static const float_function functions[FLOAT_SQUARE_ROOT + 1][LANE_SHORT + 1][2] = {
        ROW(FLOAT_ADD, add),
        ROW(FLOAT_SUBTRACT, subtract),
        ROW(FLOAT_MULTIPLY, multiply),
        ROW(FLOAT_DIVIDE, divide),
        ROW(FLOAT_MULTIPLY_ADD, multiply_add),
        ROW(FLOAT_MULTIPLY_SUBTRACT, multiply_subtract),
        ROW(FLOAT_NEGATIVE_MULTIPLY_ADD, negative_multiply_add),
        ROW(FLOAT_NEGATIVE_MULTIPLY_SUBTRACT, negative_multiply_subtract),
        ROW(FLOAT_SQUARE_ROOT, square_root),
    };
    float_function found = NULL;
    bool of_double = operation.from == LANE_DOUBLE && !operation.vector;
    switch (operation.what) {
    case FLOAT_CONVERT:
        found = of_double && operation.to == LANE_SHORT ? short_convert : NULL;
        break;
    case FLOAT_COMPARE_UNORDERED:
    case FLOAT_COMPARE_ORDERED: found = of_double ? compare : NULL; break;
    case FLOAT_TO_SIGNED: found = of_double ? to_integer : NULL; break;
    case FLOAT_FROM_SIGNED:
        found = !operation.vector && operation.to == LANE_DOUBLE ? from_integer : NULL;
        break;
    default:
        if (operation.what <= FLOAT_SQUARE_ROOT && operation.to <= LANE_SHORT)
            found = functions[operation.what][operation.to][operation.vector];
    }
    return found ? found : any_way;
}
