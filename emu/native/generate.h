/* What our engines generate into each translated block in place of what Unicorn would. */
#ifndef GENERATE_H
#define GENERATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Functions of Unicorn's code generator; those that return temporaries or labels return theirs. */
typedef struct {
    void (*call)(void *generator, void *function, void *result, int count, void **arguments);
    void (*start)(void *generator);
    int (*code)(void *generator, void *block);
    void (*optimize)(void *generator);
    uint8_t *(*emit)(void *generator, int opcode);
    void (*op1)(void *generator, int opcode, uintptr_t);
    void (*op3)(void *generator, int opcode, uintptr_t, uintptr_t, uintptr_t);
    void *(*new_temporary)(void *generator, int type, bool local);
    void (*free_temporary)(void *generator, void *temporary);
    void (*add_constant)(void *generator, ptrdiff_t to, ptrdiff_t from, int64_t constant);
    void (*branch)(void *generator, int condition, ptrdiff_t left, ptrdiff_t right, void *label);
    void *(*new_label)(void *generator);
    void *(*lookup)(void *env);
    uint8_t *(*find_block)(void *generator, uintptr_t within);
    void (*tlbie)(void *env, uint64_t rb);
    void (*check_exit)(void *uc, uint32_t delay_slot);
    uint8_t *first_decimal, *last_decimal;
} unicorn_generator;

extern unicorn_generator generator;

/* Replacements of `start`, `call`, `optimize` and `code`. */
void gen_start(void *context);
void gen_call(void *context, void *function, void *result, int count, void **arguments);
void gen_optimize(void *context);
int gen_code(void *context, void *block);
#endif
