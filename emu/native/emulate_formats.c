/* Floating point for emulated instructions: numbers of single precision in registers, which hold
   double precision (Power ISA I 4.6), and what goes to FPSCR (I 4.2.2). */
#include "emulate.h"

#define SINGLE_SIGN 0x80000000u
#define SINGLE_FRACTION 23
#define DOUBLE_FRACTION 52
#define BIAS_DIFFERENCE (1023 - 127)

uint64_t single_to_double(uint32_t single)
{
    uint64_t sign = (uint64_t)(single & SINGLE_SIGN) << 32, fraction = single & 0x7fffff;
    unsigned exponent = single >> SINGLE_FRACTION & 0xff, wide = exponent + BIAS_DIFFERENCE;
    if (exponent == 0xff) {
        wide = 0x7ff;
    } else if (!exponent && !fraction) {
        wide = 0;
    } else if (!exponent) { /* normal as a double */
        unsigned places = (unsigned)__builtin_clz((uint32_t)fraction) - (31 - SINGLE_FRACTION);
        fraction = fraction << places & 0x7fffff;
        wide = BIAS_DIFFERENCE + 1 - places;
    }
    return sign | (uint64_t)wide << DOUBLE_FRACTION | fraction << (DOUBLE_FRACTION - SINGLE_FRACTION);
}

uint32_t double_to_single(uint64_t number)
{
    uint32_t sign = (uint32_t)(number >> 32) & SINGLE_SIGN;
    unsigned exponent = (unsigned)(number >> DOUBLE_FRACTION) & 0x7ff;
    uint64_t fraction = (number & ((1ull << DOUBLE_FRACTION) - 1)) | 1ull << DOUBLE_FRACTION;
    if (exponent > BIAS_DIFFERENCE || !(number << 1))
        return (uint32_t)(number >> 32 & 0xc0000000u) | (uint32_t)(number >> 29 & 0x3fffffffu);
    if (exponent < BIAS_DIFFERENCE - SINGLE_FRACTION + 1)
        return sign; /* too small: undefined */
    return sign | (uint32_t)(fraction >> (DOUBLE_FRACTION - SINGLE_FRACTION + BIAS_DIFFERENCE + 1 - exponent));
}

/* ---- FPSCR ---------------------------------------------------------------------------------- */

#define FX 0x80000000ull
#define FEX 0x40000000ull
#define VX 0x20000000ull
#define CAUSES_OF_VX 0x01f80700ull
#define CAUSES 0x1ff80700ull /* OX to VXVC, VXSOFT to VXCVI */
#define ENABLES 0xf8ull
#define ENABLES_SHIFT 22 /* from VE to VX, and so on to XE and XX */

enum emulated raise_floating(core *c, uint64_t address, uint64_t causes, uint64_t replaced,
                             quadword *target, quadword result)
{
    uint64_t *fpscr = window64(c->env, ENV_FPSCR), now = (*fpscr & ~replaced) | causes;
    uint64_t found = (causes & CAUSES) | (causes & CAUSES_OF_VX ? VX : 0);
    if (found) /* also what had happened before: so does the core */
        now |= FX;
    now &= ~(FEX | VX);
    if (now & CAUSES_OF_VX)
        now |= VX;
    if (now >> ENABLES_SHIFT & now & ENABLES)
        now |= FEX;
    *fpscr = now; /* nothing that the library keeps elsewhere */
    uint64_t enabled = found >> ENABLES_SHIFT & now & ENABLES;
    if (target && !(enabled & FPSCR_VE))
        *target = result;
    if (!enabled || !(msr(c) & (MSR_FE0 | MSR_FE1)))
        return DONE;
    deliver(c, 0x700, address, PROGRAM_FP);
    return INTERRUPTED;
}
