/* Quad-precision multiply-add (Power ISA I 7.6.3), which the core does not know. */
#include "floating.h"

#define PROGRAM_FP 0x100000ull

enum emulated emulate_multiply_add(core *c, uint64_t address, uint32_t word)
{
    float_operation operation;
    float_places places;
    if (c->isa < ISA_3_0 || !float_find(word, &operation, &places)
        || operation.from != LANE_QUAD || operation.what < FLOAT_MULTIPLY_ADD
        || operation.what > FLOAT_NEGATIVE_MULTIPLY_SUBTRACT)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VSX))
        return INTERRUPTED;
    if (float_execute(c->env, operation, places) && msr(c) & (MSR_FE0 | MSR_FE1)) {
        deliver(c, 0x700, address, PROGRAM_FP);
        return INTERRUPTED;
    }
    return DONE;
}
