/* Vector-scalar instructions, primary opcodes 6, 60 and 63 (Power ISA I chapter 7). */
#include "emulate.h"

enum emulated emulate_vsx(core *c, uint64_t address, uint32_t word)
{
    (void)c, (void)address, (void)word;
    return NOT_THERE;
}
