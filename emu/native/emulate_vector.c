/* Vector instructions, primary opcode 4 (Power ISA I chapter 6). */
#include "emulate.h"

enum emulated emulate_vector(core *c, uint64_t address, uint32_t word)
{
    vsr_value *t = vsr_of(c->env, 32 + RT(word)), *a = vsr_of(c->env, 32 + RA(word)),
              *b = vsr_of(c->env, 32 + RB(word)), *third = vsr_of(c->env, 32 + RC(word));
    if (c->isa < ISA_3_0 || (word & 0x3f) != 35)
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VEC))
        return INTERRUPTED;
    t->q = (unsigned __int128)a->d[0] * b->d[0] + (unsigned __int128)a->d[1] * b->d[1] + third->q;
    return DONE;
}
