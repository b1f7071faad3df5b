/* Decimal floating point: what needs the library's own functions called otherwise. */
#include "emulate.h"

#define TEST_SIGNIFICANCE_IMMEDIATE 675

enum emulated emulate_decimal(core *c, uint64_t address, uint32_t word)
{
    bool pair = word >> 26 == 63;
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
