/* Hypercalls that the core answers by itself, while nobody looks on.  The hypervisor says which they
   are; what they mean stands in its handlers. */
#include "internal.h"

bool answer_call(core *c)
{
    if (!c->controls.answers_calls || msr(c) & MSR_PR || c->debug.on)
        return false;
    for (int call = 0; call < ANSWERED_CALLS; call++)
        if (*gpr(c, 3) == c->controls.answered_calls[call]) {
            if (!(call < DMA_PUT ? page_table_call : dma_call)(c, call))
                return false;
            *gpr(c, 3) = 0; /* success */
            c->counts.answered[call]++;
            return true;
        }
    return false;
}
