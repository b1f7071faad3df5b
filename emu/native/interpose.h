/* Some of Unicorn's inner functions, replaced for our engines through the table its library
   uses to call itself (ELF jump slots).  Other engines in the process are not affected.

   Why: in this release every block's translation scans the whole TLB (a tenth of a Linux boot),
   and still a write through a second mapping of a page can leave stale code alive; and every
   block asks twice whether to stop; and the TLB grows by the host's clock, which no two runs share,
   and is flushed whole for a page of it (tlb.c). */
#ifndef INTERPOSE_H
#define INTERPOSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once per process; later calls are free.  `library` is the handle of dlopen. */
bool interpose(void *library, char *error, size_t error_size);
/* Once per engine of ours, with its CPUState. */
bool interpose_engine(uint8_t *cpu);

/* A function of the library, found by its name; with a replacement, what the library's calls of it
   reach from now on. */
typedef struct {
    const char *name;
    void *replacement;
    void **original;
} replacement;

/* exchange.c */
typedef void (*gen_call_function)(void *context, void *function, void *result, int count,
                                  void **arguments);
/* Generates a call to `function`, or to what stands for it: by `gen` where it is the library's
   own, by `plain` where it is not. */
void helpers_gen_call(gen_call_function plain, gen_call_function gen, void *context,
                      void *function, void *result, int count, void **arguments);
#define HELPER_REPLACEMENTS 10
extern const replacement helper_replacements[HELPER_REPLACEMENTS];
uint64_t instruction_generated(void); /* the address of the one code is generated for */
const char *helpers_load(void *library); /* the name of what is missing, or NULL */
/* emulate_matrix.c */
const char *matrix_load(void *library); /* what is missing, or null */
#endif
