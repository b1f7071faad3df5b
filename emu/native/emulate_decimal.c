/* Decimal floating point: what needs the library's own functions called otherwise, and its
   rounding. */
#include "emulate.h"

#define TEST_SIGNIFICANCE_IMMEDIATE 675
#define MOVE_FROM_FPSCR 583
#define SET_ROUNDING 20 /* where RA would stand: mffscdrn; with an immediate, mffscdrni */
#define SET_ROUNDING_IMMEDIATE 21
#define CONTROLS (FPSCR_DRN | 0xff)
#define DRN_SHIFT 32
#define DRM(word) ((word) >> 11 & 7)

/* The controls of floating point into FRT, another rounding into FPSCR (I 4.6.10). */
static enum emulated set_rounding(core *c, uint64_t address, uint32_t word)
{
    uint64_t *fpscr = window64(c->env, ENV_FPSCR), now = *fpscr;
    if (!facility_on(c, address, MSR_FP))
        return INTERRUPTED;
    uint64_t rounding = RA(word) == SET_ROUNDING ? DWORD(vsr_of(c->env, RB(word)), 0)
                                                 : (uint64_t)DRM(word) << DRN_SHIFT;
    *fpscr = (now & ~FPSCR_DRN) | (rounding & FPSCR_DRN);
    DWORD(vsr_of(c->env, RT(word)), 0) = now & CONTROLS;
    return DONE;
}

enum emulated emulate_decimal(core *c, uint64_t address, uint32_t word)
{
    bool pair = word >> 26 == 63;
    bool moves = pair && XO_X(word) == MOVE_FROM_FPSCR && c->isa >= ISA_3_0;
    if (moves && (RA(word) == SET_ROUNDING || RA(word) == SET_ROUNDING_IMMEDIATE))
        return set_rounding(c, address, word);
    if (XO_X(word) != TEST_SIGNIFICANCE_IMMEDIATE || c->isa < ISA_3_0)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_FP))
        return INTERRUPTED;
    uint32_t (*test)(void *, uint32_t, void *) = pair ? c->api.test_significance_of_pair
                                                      : c->api.test_significance;
    *window32(c->env, ENV_CRF + 4 * (word >> 23 & 7)) =
        test(decimal_state(c), word >> 16 & 0x3f, vsr_of(c->env, RB(word)));
    return DONE;
}
