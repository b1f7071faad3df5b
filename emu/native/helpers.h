/* What stands for functions of Unicorn's library that single instructions call. */
#ifndef HELPERS_H
#define HELPERS_H
#include "emulate.h"
#include "interpose.h"

typedef struct {
    const char *name;
    void *instead, *before, *after; /* null: as it is */
    void *result;                   /* from the last argument and the result so far */
    void *original;
} exchange;

extern exchange exchanges[];
extern const size_t exchange_count;

/* The library's own, which those functions need. */
typedef struct {
    void (*clear_bit)(uint8_t *env, uint32_t bit);
    void (*reset_status)(uint8_t *env);
    void (*raise)(uint8_t *env, uint32_t exception, uint32_t error, uintptr_t return_address);
    bool (*restore_state)(uint8_t *cpu, uintptr_t return_address, bool leaving);
    void (*quad_to_double)(uint8_t *env, uint32_t word, vsr_value *to, vsr_value *from);
    void *store_fpscr, *set_bit, *check_status;
} helpers_library;

extern helpers_library library;
extern void *(*context_default)(void *context, int32_t kind);
extern void *(*context_set_rounding)(void *context, unsigned rounding);

void raise_deferred(uint8_t *env);
void *default_context(void *context, int32_t kind);
void *set_rounding(void *context, unsigned rounding);
#endif
