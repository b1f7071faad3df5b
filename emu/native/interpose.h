/* Some of Unicorn's inner functions, replaced for our engines through the table its library
   uses to call itself (ELF jump slots).  Other engines in the process are not affected.

   Why: in this release every block's translation scans the whole TLB (a tenth of a Linux boot),
   and still a write through a second mapping of a page can leave stale code alive; and every
   block asks twice whether to stop; and the TLB grows by the host's clock, which no two runs share. */
#ifndef INTERPOSE_H
#define INTERPOSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once per process; later calls are free.  `library` is the handle of dlopen. */
bool interpose(void *library, char *error, size_t error_size);
/* Once per engine of ours, with its CPUState. */
bool interpose_engine(uint8_t *cpu);
#endif
