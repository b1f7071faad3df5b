/* Carries out an operation of floating point lane by lane, and tells FPSCR. */
#include "floating.h"

/* ---- FPSCR ---------------------------------------------------------------------------------- */

uint64_t enabled_causes(uint64_t fpscr, uint64_t causes)
{
    return (fpscr & FP_VE ? causes & FP_INVALID : 0) | (fpscr & FP_OE ? causes & FP_OX : 0)
           | (fpscr & FP_UE ? causes & FP_UX : 0) | (fpscr & FP_ZE ? causes & FP_ZX : 0)
           | (fpscr & FP_XE ? causes & FP_XX : 0);
}

uint64_t fpscr_summed(uint64_t fpscr)
{
    fpscr &= ~(FP_VX | FP_FEX);
    if (fpscr & FP_INVALID)
        fpscr |= FP_VX;
    return enabled_causes(fpscr, fpscr) ? fpscr | FP_FEX : fpscr;
}

uint64_t fpscr_raised(uint64_t fpscr, uint64_t causes)
{
    if (causes & ~fpscr)
        fpscr |= FP_FX;
    return fpscr_summed(fpscr | causes);
}

/* ---- instructions --------------------------------------------------------------------------- */

static bits128 compute(float_operation operation, const bits128 *bits, unsigned rounding,
                       uint64_t enabled, uint64_t *told)
{
    switch (operation.what) {
    case FLOAT_ROUND:
    case FLOAT_ROUND_EXACT: return float_round_to_integral(operation, bits[1], rounding, told);
    case FLOAT_TO_SIGNED:
    case FLOAT_TO_UNSIGNED: return float_to_integer(operation, bits[1], rounding, told);
    case FLOAT_FROM_SIGNED:
    case FLOAT_FROM_UNSIGNED: return float_from_integer(operation, bits[1], rounding, told);
    case FLOAT_EQUAL:
    case FLOAT_GREATER:
    case FLOAT_GREATER_EQUAL: return float_mask(operation, bits, enabled, told);
    case FLOAT_MAXIMUM:
    case FLOAT_MINIMUM:
    case FLOAT_MAXIMUM_C:
    case FLOAT_MINIMUM_C:
    case FLOAT_MAXIMUM_J:
    case FLOAT_MINIMUM_J: return float_extreme(operation, bits, told);
    default: return float_arithmetic(operation, bits, rounding, enabled, told);
    }
}

static bool compares_into_cr(float_operation operation)
{
    return operation.what >= FLOAT_COMPARE_UNORDERED && operation.what <= FLOAT_COMPARE_EXPONENTS;
}

static bool execute_comparison(uint8_t *env, float_operation operation, float_places places)
{
    uint64_t fpscr = *fpscr_of(env), told = 0;
    const format *f = lane_format(operation.from);
    bits128 bits[] = {read_lane(vsr_of(env, places.a), operation.from, 0),
                      read_lane(vsr_of(env, places.b), operation.from, 0)};
    bool ordering = operation.what == FLOAT_COMPARE_ORDERED;
    unsigned found = operation.what == FLOAT_COMPARE_EXPONENTS
                         ? float_compare_exponents(bits, f)
                         : float_compare(bits, f, ordering, fpscr, &told);
    *window32(env, ENV_CRF + 4 * places.field) = found;
    *fpscr_of(env) = (fpscr_raised(fpscr, told) & ~FP_FPCC) | (uint64_t)found << FP_FPRF_SHIFT;
    return enabled_causes(fpscr, told);
}

/* Maxima and comparisons leave FPRF, FR and FI as they are; a conversion to an integer has a
   class only when it is invalid. */
static uint64_t scalar_status(float_operation operation, uint64_t fpscr, uint64_t told,
                              bool withheld)
{
    if (operation.vector || operation.what >= FLOAT_EQUAL)
        return fpscr;
    fpscr &= ~(FP_FR | FP_FI);
    if (withheld)
        return fpscr;
    if (told & FP_FPRF)
        fpscr &= ~FP_FPRF;
    if (operation.estimate || told & FP_INVALID)
        told &= ~(FP_FR | FP_FI);
    return fpscr | (told & (FP_FPRF | FP_FR | FP_FI));
}

static void record_comparison(uint8_t *env, float_operation operation, const vsr_value *result)
{
    bool all = true, none = true;
    for (unsigned n = 0; n < operation.lanes; n++)
        if (read_lane(result, operation.to, n))
            none = false;
        else
            all = false;
    *window32(env, ENV_CRF + 4 * 6) = (all ? 8 : 0) | (none ? 2 : 0);
}

bool float_execute(uint8_t *env, float_operation operation, float_places places)
{
    if (compares_into_cr(operation))
        return execute_comparison(env, operation, places);
    uint64_t fpscr = *fpscr_of(env), told = 0;
    unsigned rounding = operation.rounding == ROUND_CURRENT ? fpscr & FP_RN : operation.rounding;
    vsr_value result = {0};
    for (unsigned n = 0; n < operation.lanes; n++) {
        bits128 bits[] = {read_lane(vsr_of(env, places.a), operation.from, n),
                          read_lane(vsr_of(env, places.b), operation.from, n),
                          read_lane(vsr_of(env, places.c), operation.from, n)};
        write_lane(&result, operation.to, n, compute(operation, bits, rounding, fpscr, &told));
    }
    if (operation.estimate)
        told &= ~FP_XX;
    uint64_t causes = told & FP_CAUSES, enabled = enabled_causes(fpscr, causes);
    bool withheld = operation.vector ? enabled : enabled & (FP_INVALID | FP_ZX);
    *fpscr_of(env) = fpscr_raised(scalar_status(operation, fpscr, told, withheld), causes);
    if (!withheld) {
        *vsr_of(env, places.t) = result;
        if (places.record && operation.vector)
            record_comparison(env, operation, &result);
    }
    if (places.record && !operation.vector)
        *window32(env, ENV_CRF + 4) = *fpscr_of(env) >> 28 & 0xf;
    return enabled;
}
