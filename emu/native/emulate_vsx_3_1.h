/* Between the files of ISA 3.1's vector-scalar instructions. */
#ifndef EMULATE_VSX_3_1_H
#define EMULATE_VSX_3_1_H
#include "emulate.h"

quadword rounded(quadword value, unsigned places, unsigned mode, bool minus);
enum emulated emulate_quad(core *c, uint64_t address, uint32_t word);
#endif
