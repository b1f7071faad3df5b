/* Floating point the quick way, on the host's own arithmetic: what its files have in common. */
#ifndef FLOATING_QUICK_H
#define FLOATING_QUICK_H
#include <math.h>

#include "floating.h"

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

static inline uint64_t inexact(uint64_t fpscr)
{
    return fpscr & FP_XX ? fpscr : fpscr | FP_XX | FP_FX;
}

/* ---- rounding ----------------------------------------------------------------------------- */

#define DOUBLE_STEP 1ull
#define SINGLE_STEP (1ull << 29) /* of a single in double format */

static inline unsigned mirrored(unsigned rounding)
{
    return rounding ^ rounding >> 1; /* up for down, and down for up */
}

/* From the nearest number to the one that is wanted, which is that or its neighbour; false: the
   sign of a zero is in question. */
static inline bool direct(rounded *r, unsigned rounding, uint64_t step)
{
    if (rounding == ROUND_NEAREST || (r->error == 0 && r->result != 0))
        return true;
    if (r->result == 0)
        return false;
    bool negative = signbit(r->result), away = (r->error < 0) == negative;
    bool wanted = rounding != ROUND_ZERO && (rounding == ROUND_DOWN) == negative;
    if (away == wanted) {
        r->result = as_double(bits_of(r->result) + (away ? step : -step));
        r->error = -r->error;
    }
    return true;
}

/* Rounds to single precision what is rounded to nearest already: right unless that made it a
   halfway case. */
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

/* FPRF, FR, FI and XX of a scalar result; and CR1. */
static inline void tell(uint8_t *env, float_places places, const rounded *r)
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
    if (places.record)
        *window32(env, ENV_CRF + 4) = fpscr >> 28 & 0xf;
}

/* The other way; the address is in translated code. */
void float_slowly(uint8_t *env, float_operation operation, float_places places,
                  void *return_address);

/* Null: there is no quick way. */
float_function quick_conversion_for(float_operation operation);
float_function quick_comparison_for(float_operation operation);
#endif
