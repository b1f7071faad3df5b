/* What our engines generate into each translated block: counting its instructions, leaving when
   something is due, and finding the block that an indirect branch goes to.

   Unicorn would call its hook before each block, ask after each whether to stop, and look the
   next one up in a table of which PowerPC code can use a quarter.  The first is a few operations
   here, the second is part of it, and the third has a table of its own. */
#include "generate.h"

#include <stdlib.h>

#include "floating.h"
#include "helpers.h"
#include "internal.h"
#include "interpose.h"
#include "tlb.h"

#define PAGE 4096ull

unicorn_generator generator;

/* The code generator's operations and conditions by number. */
enum {
    OP_SET_LABEL = 1,
    OP_CALL = 2,
    OP_CONSTANT = 64,
    OP_LOAD = 73,
    OP_STORE = 77,
    OP_ADD = 78,
    CONDITION_ALWAYS = 1,
    CONDITION_NOT_LESS_UNSIGNED = 5,
    TYPE_I64 = 1,
    /* properties of a call: it changes no register of the guest, and nothing else */
    CALL_CHANGES_NOTHING = 2 | 4,
};

static ptrdiff_t offset_of(void *context, void *temporary)
{
    return (uint8_t *)temporary - (uint8_t *)context;
}

static void *environment(void *context)
{
    return (uint8_t *)context + *window64(context, GENERATOR_ENV);
}

static void *new_temporary(void *context)
{
    return generator.new_temporary(context, TYPE_I64, false);
}

/* A constant; `place` is where it stands until code is generated. */
static void *constant(void *context, uint64_t value, uint64_t **place)
{
    void *temporary = new_temporary(context);
    uint64_t *arguments = (uint64_t *)(generator.emit(context, OP_CONSTANT) + OP_ARGUMENTS);
    arguments[0] = (uint64_t)temporary;
    arguments[1] = value;
    if (place)
        *place = &arguments[1];
    return temporary;
}

/* A call of a function of ours, which the generator's own table does not have. */
static void call(void *context, void *function, void *result, int count, void **arguments,
                 int properties)
{
    uint8_t *operation = generator.emit(context, OP_CALL);
    uint64_t *to = (uint64_t *)(operation + OP_ARGUMENTS);
    operation[OP_CALL_COUNTS] = count | (result ? 1 << 4 : 0);
    if (result)
        *to++ = (uint64_t)result;
    for (int i = 0; i < count; i++)
        *to++ = (uint64_t)arguments[i];
    to[0] = (uint64_t)function;
    to[1] = properties;
}

static void free_all(void *context, int count, void **temporaries)
{
    for (int i = 0; i < count; i++)
        generator.free_temporary(context, temporaries[i]);
}

/* Between `temporary` and one of the unnamed or counting special purpose registers. */
static void access_spr(void *context, int operation, void *temporary, int number)
{
    generator.op3(context, operation, (uintptr_t)temporary, (uintptr_t)environment(context),
                  ENV_SPR + 8 * number);
}

void gen_float_call(core *c, float_function function, uint64_t operation, uint64_t places)
{
    void *context = c->generator;
    void *arguments[] = {environment(context), constant(context, operation, NULL),
                         constant(context, places, NULL)};
    call(context, (void *)function, NULL, 3, arguments, 0);
    free_all(context, 2, arguments + 1);
}

/* ---- a block begins --------------------------------------------------------------------- */

static void gen_block_call(core *c, void *context, void *function, block_call *places)
{
    void *arguments[] = {constant(context, (uint64_t)c, NULL),
                         constant(context, 0, &places->address),
                         constant(context, 0, &places->size)};
    call(context, function, NULL, 3, arguments, 0);
    free_all(context, 3, arguments);
}

/* Counts the block's instructions, and branches to where block_late is called once the time base
   had reached the deadline; where nothing is counted, once the deadline is 0. */
static void gen_count_and_check(core *c, void *context)
{
    c->block.late = generator.new_label(context);
    c->block.on_time = generator.new_label(context);
    void *now, *due = new_temporary(context);
    if (c->host) {
        now = constant(context, 0, NULL);
    } else {
        now = new_temporary(context);
        access_spr(context, OP_LOAD, now, SPR_TB);
        void *counted = new_temporary(context), *count = constant(context, 0, &c->block.count);
        generator.op3(context, OP_ADD, (uintptr_t)counted, (uintptr_t)now, (uintptr_t)count);
        access_spr(context, OP_STORE, counted, SPR_TB);
        free_all(context, 2, (void *[]){counted, count});
    }
    access_spr(context, OP_LOAD, due, SPR_DEADLINE);
    generator.branch(context, CONDITION_NOT_LESS_UNSIGNED, offset_of(context, now),
                     offset_of(context, due), c->block.late);
    free_all(context, 2, (void *[]){now, due});
    generator.op1(context, OP_SET_LABEL, (uintptr_t)c->block.on_time);
}

/* Behind the block, where it is in nobody's way. */
static void gen_late(core *c, void *context)
{
    void *any = new_temporary(context);
    generator.op1(context, OP_SET_LABEL, (uintptr_t)c->block.late);
    gen_block_call(c, context, (void *)block_late, &c->block.begins);
    generator.branch(context, CONDITION_ALWAYS, offset_of(context, any), offset_of(context, any),
                     c->block.on_time);
    generator.free_temporary(context, any);
}

static void gen_count(core *c, void *context)
{
    void *added[] = {new_temporary(context), constant(context, 0, &c->block.count)};
    access_spr(context, OP_LOAD, added[0], SPR_TB);
    generator.op3(context, OP_ADD, (uintptr_t)added[0], (uintptr_t)added[0],
                  (uintptr_t)added[1]);
    access_spr(context, OP_STORE, added[0], SPR_TB);
    free_all(context, 2, added);
}

/* The core whose code `context` generates. */
static core *core_generating(void *context)
{
    core *c = running_core;
    return c && c->generator == context ? c : NULL;
}

void gen_start(void *context)
{
    core *c = core_generating(context);
    generator.start(context);
    if (!c)
        return;
    memset(&c->block, 0, sizeof c->block);
    /* In the generator alone: blocks are looked up by what they say of themselves. */
    if (c->shared)
        *window32(context, GENERATOR_CFLAGS) |= CFLAGS_PARALLEL;
}

void core_share_storage(core *c, int on) { c->shared = on; }

static void bind_block_call(const block_call *places, void *block)
{
    *places->address = *window64(block, BLOCK_ADDRESS);
    *places->size = *window16(block, BLOCK_SIZE);
}

int gen_code(void *context, void *block)
{
    core *c = core_generating(context);
    if (c && c->block.late)
        gen_late(c, context);
    if (c && c->block.begins.size) {
        uint64_t size = *window16(block, BLOCK_SIZE);
        bind_block_call(&c->block.begins, block);
        if (c->block.counted.size)
            bind_block_call(&c->block.counted, block);
        if (c->block.count)
            *c->block.count = size >> 2;
    }
    return generator.code(context, block);
}

/* Folding constants and copies is a tenth of translating; translated code of ours has neither. */
void gen_optimize(void *context)
{
    core *c = core_generating(context);
    if (!c || !c->controls.plain_code)
        generator.optimize(context);
}

/* ---- an indirect branch ----------------------------------------------------------------- */

/* Blocks lie in front of their code, all of them alike. */
static uint8_t *block_of(core *c, uint8_t *code)
{
    uint8_t *block = code - c->block_distance;
    if (c->block_distance && *window64(block, BLOCK_CODE) == (uint64_t)code)
        return block;
    block = generator.find_block(c->generator, (uintptr_t)code);
    c->block_distance = block ? code - block : 0;
    return block;
}

/* The page of storage that the block at `code` comes from. */
static uint32_t page_of_block(core *c, void *code)
{
    uint8_t *block = block_of(c, code);
    translation found;
    uint32_t cause;
    if (!block)
        return NO_PAGE;
    uint64_t address = *window64(block, BLOCK_ADDRESS), size = *window16(block, BLOCK_SIZE);
    if (size > PAGE - address % PAGE || !translate(c, address, ACCESS_FETCH, false, &found, &cause)
        || found.real / PAGE >= NO_PAGE)
        return NO_PAGE;
    return found.real / PAGE;
}

/* Whether code of a jump can be gone on with, as far as it is told from `known`. */
static bool still_there(core *c, const jump *j, uint64_t known)
{
    if (j->known >> 32 != known >> 32 && !tlb_fetches_from(c, j->address, j->page))
        return false;
    if ((uint32_t)j->known == (uint32_t)known)
        return true;
    uint8_t *block = block_of(c, j->code);
    return block && !(*window32(block, BLOCK_FLAGS) & BLOCK_DROPPED);
}

/* Not there, or it is to be looked at first. */
static __attribute__((noinline)) void *find_anew(core *c, jump *j, uint64_t known)
{
    uint64_t address = *nip(c);
    uint32_t flags = *window32(c->env, ENV_HFLAGS);
    if (j->address == address && j->flags == flags && j->code && j->page != NO_PAGE
        && still_there(c, j, known)) {
        j->known = known;
        return j->code;
    }
    c->unicorn_jumped = true;
    void *code = generator.lookup(c->env);
    if ((uint64_t)code != *window64(c->generator, GENERATOR_EPILOGUE))
        *j = (jump){address, code, known, flags, page_of_block(c, code)};
    return code;
}

static void *find_code(core *c);

static __attribute__((noinline)) void *find_unknowing(core *c)
{
    facilities_forget(c);
    return find_code(c);
}

/* One of ten instructions of some programs leads here: what is common needs no stack. */
static void *find_code(core *c)
{
    uint8_t *env = c->env;
    uint64_t address = *window64(env, ENV_NIP);
    if (__builtin_expect(facilities_left(c, address), false))
        return find_unknowing(c);
    uint64_t known = c->known[address >> 62 == 3];
    jump *j = &c->jumps[(address >> 2 ^ address >> 14) % JUMPS];
    if (__builtin_expect(j->address == address && j->known == known
                             && j->flags == *window32(env, ENV_HFLAGS),
                         true))
        return j->code;
    return find_anew(c, j, known);
}

/* ---- calls ------------------------------------------------------------------------------ */

/* The library holds the decimal floating-point helpers once, and they were compiled for the
   *32-bit* core: they find (and write) FPSCR, the one part of the state they touch, at another
   place, which in ours lies among pointers to functions.  So they are handed the state's address
   off by the difference. */
static void gen_moved_call(void *context, void *function, void *result, int count,
                           void **arguments)
{
    void *moved[8] = {0};
    if (count < 1 || count > 8)
        abort();
    memcpy(moved, arguments, count * sizeof *moved);
    moved[0] = new_temporary(context);
    generator.add_constant(context, offset_of(context, moved[0]), offset_of(context, arguments[0]),
                           ENV_FPSCR - ENV32_FPSCR);
    generator.call(context, function, result, count, moved);
    generator.free_temporary(context, moved[0]);
}

/* What has no result writes where its second argument points. */
static void gen_decimal_call(void *context, void *function, void *result, int count,
                             void **arguments)
{
    core *c = core_generating(context);
    uint32_t word = 0;
    if (!c || !fetch_instruction(c, instruction_generated(), &word)) {
        gen_moved_call(context, function, result, count, arguments);
        return;
    }
    void *constants[] = {constant(context, 0, NULL), constant(context, word, NULL)};
    void *around[] = {arguments[0], result ? constants[0] : arguments[1], constants[1]};
    call(context, (void *)decimal_before, NULL, 3, around, 0);
    gen_moved_call(context, function, result, count, arguments);
    call(context, (void *)decimal_after, NULL, 3, around, 0);
    free_all(context, 2, constants);
}

uint8_t *decimal_state(core *c) { return c->env + ENV_FPSCR - ENV32_FPSCR; }

static bool is_decimal(void *function)
{
    return (uint8_t *)function >= generator.first_decimal
           && (uint8_t *)function <= generator.last_decimal;
}

/* Each block begins with a call that asks whether to stop, and has another behind every access
   to storage, which would leave by itself. */
static void gen_check_exit(core *c, void *context)
{
    if (c->block.begins.size || c->block.late)
        return;
    if (msr(c) & (MSR_SE | MSR_BE)) /* blocks of other states of the guest are other blocks */
        gen_block_call(c, context, (void *)block_stepped, &c->block.begins);
    else if (c->trace.translated)
        gen_block_call(c, context, (void *)block_traced, &c->block.begins);
    else
        gen_count_and_check(c, context);
    if (!c->block.late && !c->host)
        gen_count(c, context);
    if (c->counted.counts)
        gen_block_call(c, context, (void *)block_counted, &c->block.counted);
}

/* Unicorn's tlbie does not look at what it is told. */
static void gen_invalidate(core *c, void *context)
{
    uint32_t word = 0;
    if (!fetch_instruction(c, instruction_generated(), &word))
        word = 0; /* everything */
    void *arguments[] = {constant(context, (uint64_t)c, NULL), constant(context, word, NULL)};
    call(context, (void *)tlb_invalidate, NULL, 2, arguments, 0);
    free_all(context, 2, arguments);
}

void gen_call(void *context, void *function, void *result, int count, void **arguments)
{
    core *c = core_generating(context);
    if (c && function == (void *)generator.check_exit) {
        gen_check_exit(c, context);
    } else if (c && function == (void *)generator.lookup) {
        void *argument = constant(context, (uint64_t)c, NULL);
        call(context, (void *)find_code, result, 1, &argument, CALL_CHANGES_NOTHING);
        generator.free_temporary(context, argument);
    } else if (c && function == (void *)generator.tlbie) {
        gen_invalidate(c, context);
    } else if (c) {
        helpers_gen_call(generator.call, is_decimal(function) ? gen_decimal_call : generator.call,
                         context, function, result, count, arguments);
    } else {
        generator.call(context, function, result, count, arguments);
    }
}
