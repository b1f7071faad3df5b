/* Translated code calls a function of the library for what is too long to generate.  When such a
   call is generated, it is exchanged for one to a function of ours (helpers.c), or ours are called
   before and after it; nothing else pays for that. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

#include "helpers.h"

enum { OP_INSTRUCTION = 129 };

/* The operation that was generated last: what is called stands among its arguments. */
static __thread uint8_t *last_operation;
static void *(*emit)(void *context, int opcode);

/* The one that begins an instruction: its address is the first argument. */
static __thread uint8_t *last_instruction;

static void *emit_operation(void *context, int opcode)
{
    last_operation = emit(context, opcode);
    if (opcode == OP_INSTRUCTION)
        last_instruction = last_operation;
    return last_operation;
}

uint64_t instruction_generated(void)
{
    return *window64(last_instruction, OPERATION_ARGUMENTS);
}

static void gen_exchanged(gen_call_function gen, void *context, void *declared, void *called,
                          void *result, int count, void **arguments)
{
    gen(context, declared, result, count, arguments);
    uint64_t *words = window64(last_operation, OPERATION_ARGUMENTS);
    for (int n = 0; n < OPERATION_ARGUMENT_COUNT; n++)
        if (words[n] == (uint64_t)declared) {
            words[n] = (uint64_t)called;
            return;
        }
    abort();
}

static const exchange *find(void *function)
{
    for (size_t i = 0; i < exchange_count; i++)
        if (exchanges[i].original == function)
            return &exchanges[i];
    return NULL;
}

void helpers_gen_call(gen_call_function plain, gen_call_function gen, void *context,
                      void *function, void *result, int count, void **arguments)
{
    static __thread bool status_written; /* by the call before, if by anything */
    bool behind_status = status_written && function == library.check_status;
    const exchange *change = find(function);
    status_written = function == library.store_fpscr || function == library.set_bit
                     || function == (void *)library.reset_status;
    if (behind_status) {
        gen_exchanged(plain, context, function, raise_deferred, result, count, arguments);
        return;
    }
    if (change && change->before)
        gen_exchanged(plain, context, function, change->before, NULL, count, arguments);
    if (change && change->instead)
        gen_exchanged(plain, context, function, change->instead, result, count, arguments);
    else
        gen(context, function, result, count, arguments);
    if (change && change->after)
        gen_exchanged(plain, context, function, change->after, NULL, count, arguments);
}

const replacement helper_replacements[HELPER_REPLACEMENTS] = {
    {"tcg_emit_op_ppc64", (void *)emit_operation, (void **)&emit},
    {"decContextDefault", (void *)default_context, (void **)&context_default},
    {"decContextSetRounding", (void *)set_rounding, (void **)&context_set_rounding},
    {"helper_fpscr_clrbit_ppc64", NULL, (void **)&library.clear_bit},
    {"helper_reset_fpstatus_ppc64", NULL, (void **)&library.reset_status},
    {"raise_exception_err_ra_ppc64", NULL, (void **)&library.raise},
    {"helper_store_fpscr_ppc64", NULL, &library.store_fpscr},
    {"helper_fpscr_setbit_ppc64", NULL, &library.set_bit},
    {"helper_float_check_status_ppc64", NULL, &library.check_status},
    {"translator_loop_ppc64", (void *)translate_block, (void **)&library.translate_block},
};

const char *helpers_load(void *handle)
{
    for (size_t i = 0; i < exchange_count; i++)
        if (!(exchanges[i].original = dlsym(handle, exchanges[i].name)))
            return exchanges[i].name;
    return NULL;
}
