/* FPSCR's own instructions, and a class that is told in it. */
#include "floating.h"
#include "helpers.h"

#define FP_EXISTING 0x7fffff7ffull
#define PROGRAM_IS_FP 0x10u /* of an error code; the rest tells which exception */

void interrupt_floating(uint8_t *env, void *return_address)
{
    library.raise(env, EXCEPTION_PROGRAM, PROGRAM_IS_FP, (uintptr_t)return_address - 2);
}

/* The library looks for exceptions of arithmetic behind the instructions that write FPSCR, too, and
   so loses FI: they only raise what they have set. */
void raise_deferred(uint8_t *env)
{
    if (*fpscr_of(env) & FP_FEX && *window64(env, ENV_MSR) & (MSR_FE0 | MSR_FE1))
        interrupt_floating(env, __builtin_return_address(0));
}

/* What is reserved reads as 0. */
void store_after(uint8_t *env, uint64_t value, uint32_t fields)
{
    (void)value, (void)fields;
    *fpscr_of(env) &= FP_EXISTING;
}

void set_bit_after(uint8_t *env, uint32_t bit)
{
    (void)bit;
    *fpscr_of(env) &= FP_EXISTING;
}

/* Clearing FX must leave the upper half alone. */
void clear_bit(uint8_t *env, uint32_t bit)
{
    uint64_t upper = *fpscr_of(env) & ~0xffffffffull;
    library.clear_bit(env, bit);
    *fpscr_of(env) |= upper;
}

/* ---- class -------------------------------------------------------------------------------- */

#define DOUBLE_SIGN (1ull << 63)
#define DOUBLE_INFINITY 0x7ff0000000000000ull
#define SINGLE_LEAST_EXPONENT 0x381 /* of single precision's normal numbers, as doubles have it */

static bool is_nan(uint64_t value) { return (value & ~DOUBLE_SIGN) > DOUBLE_INFINITY; }

static bool is_zero(uint64_t value) { return !(value & ~DOUBLE_SIGN); }

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

void test_class_of_single(uint8_t *env, uint32_t word, const vsr_value *b)
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
    *fpscr_of(env) = (*fpscr_of(env) & ~FP_FPCC) | (uint64_t)result << FP_FPRF_SHIFT;
}
