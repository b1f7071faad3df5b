/* What stands for functions of Unicorn's library that single instructions call. */
#ifndef HELPERS_H
#define HELPERS_H
#include "emulate.h"
#include "interpose.h"

typedef struct {
    const char *name;
    void *instead, *before, *after; /* null: as it is */
    void *original;
} exchange;

extern exchange exchanges[];
extern const size_t exchange_count;

/* How a guest's instructions become those of the code generator: seven functions, of which the
   first begins a block. */
typedef struct translator {
    void (*begin)(void *block, uint8_t *cpu);
    void *others[6];
} translator;

/* The library's own, which those functions need. */
typedef struct {
    void (*clear_bit)(uint8_t *env, uint32_t bit);
    void (*reset_status)(uint8_t *env);
    void (*raise)(uint8_t *env, uint32_t exception, uint32_t error, uintptr_t return_address);
    void *store_fpscr, *set_bit, *check_status;
    void (*translate_block)(const struct translator *, void *, void *, void *, int);
} helpers_library;

extern helpers_library library;
extern void *(*context_default)(void *context, int32_t kind);
extern void *(*context_set_rounding)(void *context, unsigned rounding);

/* facilities.c */
void store_msr_after(uint8_t *env, uint64_t value);
void return_after(uint8_t *env);
void translate_block(const translator *functions, void *block, void *cpu, void *translated,
                     int most);

/* helpers_status.c */
void interrupt_floating(uint8_t *env, void *return_address); /* the address in translated code */
void raise_deferred(uint8_t *env);
void store_after(uint8_t *env, uint64_t value, uint32_t fields);
void set_bit_after(uint8_t *env, uint32_t bit);
void clear_bit(uint8_t *env, uint32_t bit);
void test_class_of_single(uint8_t *env, uint32_t word, const vsr_value *b);

/* helpers_vector.c */
void insert_byte(vsr_value *to, const vsr_value *from, uint32_t index);
void insert_halfword(vsr_value *to, const vsr_value *from, uint32_t index);
void insert_word(vsr_value *to, const vsr_value *from, uint32_t index);
void insert_doubleword(vsr_value *to, const vsr_value *from, uint32_t index);
void rotate_word_insert(vsr_value *to, const vsr_value *a, const vsr_value *b);
void rotate_word_and(vsr_value *to, const vsr_value *a, const vsr_value *b);
void rotate_doubleword_insert(vsr_value *to, const vsr_value *a, const vsr_value *b);
void rotate_doubleword_and(vsr_value *to, const vsr_value *a, const vsr_value *b);

/* helpers_decimal.c */
void decimal_before(uint8_t *env, const vsr_value *target, uint32_t word);
void decimal_after(uint8_t *env, vsr_value *target, uint32_t word);
void encode_before(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed);
void encode_after(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed);
void encode_pair_after(uint8_t *env, vsr_value *to, const vsr_value *from, uint32_t is_signed);
void *default_context(void *context, int32_t kind);
void *set_rounding(void *context, unsigned rounding);
#endif
