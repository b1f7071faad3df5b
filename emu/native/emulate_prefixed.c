/* Prefixed instructions, primary opcode 1 (Power ISA v3.1, I 1.6.3). */
#include "emulate.h"

enum emulated emulate_prefixed(core *c, uint64_t address, uint32_t prefix)
{
    (void)c, (void)address, (void)prefix;
    return NOT_THERE;
}
