/* Comparisons of floating point the quick way: of numbers, without NaNs. */
#include "floating_quick.h"

static bool are_numbers(double a, double b) { return a == a && b == b; }

static void compare(uint8_t *env, uint64_t operation, uint64_t places)
{
    float_places at = {.all = places};
    double a = as_double(vsr_of(env, at.a)->d[1]), b = as_double(vsr_of(env, at.b)->d[1]);
    if (!are_numbers(a, b)) {
        float_slowly(env, (float_operation){.all = operation}, at, __builtin_return_address(0));
        return;
    }
    uint32_t found = a < b ? 8 : a > b ? 4 : 2;
    *window32(env, ENV_CRF + 4 * at.field) = found;
    *fpscr_of(env) = (*fpscr_of(env) & ~FP_FPCC) | (uint64_t)found << FP_FPRF_SHIFT;
}

/* What FPSCR does not hear of: masks, and the greater or lesser one. */
static inline uint64_t chosen(unsigned what, double a, double b, uint64_t bits_a, uint64_t bits_b)
{
    switch (what) {
    case FLOAT_EQUAL: return a == b ? ~0ull : 0;
    case FLOAT_GREATER: return a > b ? ~0ull : 0;
    case FLOAT_GREATER_EQUAL: return a >= b ? ~0ull : 0;
    case FLOAT_MAXIMUM_C: return a > b ? bits_a : bits_b;
    case FLOAT_MINIMUM_C: return a < b ? bits_a : bits_b;
    case FLOAT_MAXIMUM:
    case FLOAT_MAXIMUM_J: return a == b ? bits_a & bits_b : a > b ? bits_a : bits_b;
    default: return a == b ? bits_a | bits_b : a < b ? bits_a : bits_b;
    }
}

static void record(uint8_t *env, const vsr_value *t)
{
    bool all = (t->d[0] & t->d[1]) == ~0ull, none = !(t->d[0] | t->d[1]);
    *window32(env, ENV_CRF + 4 * 6) = (all ? 8 : 0) | (none ? 2 : 0);
}

static inline void choose(uint8_t *env, float_operation operation, float_places at,
                          void *return_address)
{
    const vsr_value *a = vsr_of(env, at.a), *b = vsr_of(env, at.b);
    vsr_value t = {0};
    bool quickly = true, single = operation.from == LANE_SINGLE;
    for (unsigned n = 0; quickly && n < operation.lanes; n++) {
        uint64_t x = single ? WORD(a, n) : DWORD(a, n), y = single ? WORD(b, n) : DWORD(b, n);
        double p = single ? as_float((uint32_t)x) : as_double(x);
        double q = single ? as_float((uint32_t)y) : as_double(y);
        quickly = are_numbers(p, q);
        x = chosen(operation.what, p, q, x, y);
        if (single)
            WORD(&t, n) = (uint32_t)x;
        else
            DWORD(&t, n) = x;
    }
    if (!quickly) {
        float_slowly(env, operation, at, return_address);
        return;
    }
    *vsr_of(env, at.t) = t;
    if (at.record)
        record(env, &t);
}

static void choose_any(uint8_t *env, uint64_t operation, uint64_t places)
{
    choose(env, (float_operation){.all = operation}, (float_places){.all = places},
           __builtin_return_address(0));
}

float_function quick_comparison_for(float_operation operation)
{
    bool of_double = operation.from == LANE_DOUBLE;
    if (operation.what == FLOAT_COMPARE_UNORDERED || operation.what == FLOAT_COMPARE_ORDERED)
        return of_double ? compare : NULL;
    bool chooses = operation.what >= FLOAT_EQUAL && operation.what <= FLOAT_MINIMUM_J;
    return chooses && (of_double || operation.from == LANE_SINGLE) ? choose_any : NULL;
}
