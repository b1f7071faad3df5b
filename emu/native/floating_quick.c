/* Floating point the quick way: the host's own arithmetic rounds to nearest, and its error, which
   it can compute without one, says whether the result is exact and to which side it was rounded.
   That is all FPSCR wants to know of a number in the midst of its range, and whether another
   rounding would have given its neighbour; where anything else may happen (NaNs, infinities,
   results near either end, exceptions of inexactness that interrupt), floating_execute.c has it. */
#include <float.h>

#include "floating_quick.h"
#include "helpers.h"

#define LEAST 0x1p-900
#define MOST 0x1p1000

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

/* ---- what translated code calls ----------------------------------------------------------- */

void float_slowly(uint8_t *env, float_operation operation, float_places places,
                  void *return_address)
{
    if (float_execute(env, operation, places)
        && *window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1))
        interrupt_floating(env, return_address);
}

static void any_way(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_slowly(env, (float_operation){.all = operation}, (float_places){.all = places},
                 __builtin_return_address(0));
}

static inline bool complete(rounded *r, uint64_t fpscr, bool single, bool negates)
{
    unsigned rounding = negates ? mirrored(fpscr & FP_RN) : fpscr & FP_RN;
    return (!single || to_single(r)) && direct(r, rounding, single ? SINGLE_STEP : DOUBLE_STEP);
}

#define OPERAND(n) as_double(vsr_of(env, at.n)->d[1])

#define SCALAR(name, quick, single, negates)                                             \
    static void name(uint8_t *env, uint64_t operation, uint64_t places)                  \
    {                                                                                    \
        float_places at = {.all = places};                                               \
        uint64_t fpscr = *fpscr_of(env);                                                 \
        rounded r;                                                                       \
        if (!(fpscr & FP_XE) && quick(OPERAND(a), OPERAND(b), OPERAND(c), &r)            \
            && complete(&r, fpscr, single, negates)) {                                   \
            tell(env, at, &r);                                                           \
            *vsr_of(env, at.t) = (vsr_value){.d = {0, bits_of(r.result)}};               \
        } else {                                                                         \
            float_slowly(env, (float_operation){.all = operation}, at,                   \
                         __builtin_return_address(0));                                   \
        }                                                                                \
    }

#define VECTOR(name, quick, count, lane, operand, bits, negates)                         \
    static void name(uint8_t *env, uint64_t operation, uint64_t places)                  \
    {                                                                                    \
        float_places at = {.all = places};                                               \
        const vsr_value *a = vsr_of(env, at.a), *b = vsr_of(env, at.b),                  \
                        *c = vsr_of(env, at.c);                                          \
        uint64_t fpscr = *fpscr_of(env);                                                 \
        vsr_value t = {0};                                                               \
        rounded r;                                                                       \
        bool quickly = !(fpscr & FP_XE), exact = true;                                   \
        for (int n = 0; quickly && n < count; n++) {                                     \
            quickly = quick(operand(a->lane[n]), operand(b->lane[n]), operand(c->lane[n]), &r) \
                      && complete(&r, fpscr, count == 4, negates);                       \
            exact &= r.error == 0;                                                       \
            t.lane[n] = bits(r.result);                                                  \
        }                                                                                \
        if (!quickly) {                                                                  \
            float_slowly(env, (float_operation){.all = operation}, at,                   \
                         __builtin_return_address(0));                                   \
            return;                                                                      \
        }                                                                                \
        if (!exact)                                                                      \
            *fpscr_of(env) = inexact(fpscr);                                             \
        *vsr_of(env, at.t) = t;                                                          \
    }

#define FOUR(name, negates)                                                              \
    SCALAR(scalar_##name, quick_##name, false, negates)                                  \
    SCALAR(short_##name, quick_##name, true, negates)                                    \
    VECTOR(doubles_##name, quick_##name, 2, d, as_double, bits_of, negates)              \
    VECTOR(singles_##name, quick_##name, 4, w, as_float, bits_of_float, negates)
FOUR(add, false)
FOUR(subtract, false)
FOUR(multiply, false)
FOUR(divide, false)
FOUR(multiply_add, false)
FOUR(multiply_subtract, false)
FOUR(negative_multiply_add, true)
FOUR(negative_multiply_subtract, true)
FOUR(square_root, false)
SCALAR(short_convert, quick_convert, true, false)

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
    bool to_short = operation.from == LANE_DOUBLE && operation.to == LANE_SHORT;
    if (operation.what == FLOAT_CONVERT && to_short)
        found = short_convert;
    else if (operation.what <= FLOAT_SQUARE_ROOT && operation.to <= LANE_SHORT)
        found = functions[operation.what][operation.to][operation.vector];
    if (!found)
        found = quick_conversion_for(operation);
    if (!found)
        found = quick_comparison_for(operation);
    return found ? found : any_way;
}
