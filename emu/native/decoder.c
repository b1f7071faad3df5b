/* The core's table of instructions, mended: each engine has one of its own (window.h).

   Reserved bits are ignored, as hardware does (Power ISA I 1.3.3), where the core refused the
   instruction for them.  What the core decodes but does wrong is refused, so that it is carried
   out by emulate.c; where it translates binary floating point, a call of ours is generated. */
#include <stdlib.h>

#include "floating.h"
#include "interpose.h"

#define CORES_HANDLER_SIZE 48
#define HANDLER_SIZE (CORES_HANDLER_SIZE + 8) /* and the core's own translator */
#define MOST_HANDLERS 4096
#define NO_BITS 0u
#define ALL_BITS 0xffffffffu
#define VECTOR 4u

/* Parts of an opcode: bits 0:5, 26:30, 21:25 and 11:15. */
#define PARTS 4
#define ANY 0xff

typedef struct {
    uint8_t part[PARTS];
    uint32_t refused; /* the instruction is refused if one of these bits is set */
} opcode_rule;

static const opcode_rule rules[] = {
    {{17, ANY, ANY, ANY}, 0x03fff01d}, /* sc: the others are scv, or none */
    {{60, 8, 11, ANY}, 0x00180000},    /* xxspltib; with them it is lxvkq */
    {{4, 17, ANY, ANY}, 1},            /* vmladduhm; with it, vmsumudm */
    {{31, 19, 23, ANY}, ALL_BITS},     /* darn: the host's numbers */
    {{59, 3, 21, ANY}, ALL_BITS},      /* dtstsfi: only 5 bits of 6 are looked at */
    {{63, 3, 21, ANY}, ALL_BITS},
};
#define RULES (sizeof rules / sizeof *rules)

static bool applies(const opcode_rule *rule, const uint8_t *part)
{
    for (int n = 0; n < PARTS; n++)
        if (rule->part[n] != ANY && rule->part[n] != part[n])
            return false;
    return true;
}

/* Bit 31 is part of a vector instruction's opcode, but not of the table: where it tells one of ISA
   3.1 from an older one, the core takes both for the latter. */
static bool is_later_vector_with_bit_31(const uint8_t *part)
{
    return part[0] == VECTOR && part[2] != ANY
           && is_later_vector(VECTOR << 26 | (uint32_t)part[2] << 6 | (uint32_t)part[1] << 1 | 1);
}

static uint32_t refused_bits(const uint8_t *part)
{
    for (size_t i = 0; i < RULES; i++)
        if (applies(&rules[i], part))
            return rules[i].refused;
    return is_later_vector_with_bit_31(part) ? 1 : NO_BITS;
}

/* ---- floating point ----------------------------------------------------------------------- */

typedef void (*translator)(uint8_t *context);

static uint8_t *handler_of(core *c, uint32_t word)
{
    static const uint8_t shifts[] = {1, 6, 16};
    uint8_t *entry = opcodes(c)[word >> 26];
    for (int depth = 0; (uintptr_t)entry & 1; depth++)
        entry = ((uint8_t **)((uintptr_t)entry & ~3ull))[word >> shifts[depth] & 0x1f];
    return entry;
}

/* Blocks are translated in the state that they run in. */
static bool usable(core *c, uint32_t word, float_places places)
{
    return msr(c) & (word >> 26 == 60 || places.quad_facility ? MSR_VSX : MSR_FP);
}

static void translate_float(uint8_t *context)
{
    core *c = running_core;
    uint32_t word = *window32(context, CONTEXT_INSTRUCTION);
    float_operation operation;
    float_places places;
    if (float_find(word, &operation, &places) && usable(c, word, places))
        gen_float_call(c, float_function_for(operation), operation.all, places.all);
    else
        (*(translator *)(handler_of(c, word) + CORES_HANDLER_SIZE))(context);
}

static void replace_translator(uint8_t *handler)
{
    memcpy(handler + CORES_HANDLER_SIZE, handler + HANDLER_TRANSLATOR, sizeof(translator));
    *(translator *)(handler + HANDLER_TRANSLATOR) = translate_float;
}

/* ---- the table ---------------------------------------------------------------------------- */

static bool mend(core *c, uint8_t **table, int size, uint8_t *part, int depth)
{
    uint8_t *none = opcodes(c)[OPCODE_UNUSED];
    for (int i = 0; i < size; i++) {
        uintptr_t entry = (uintptr_t)table[i];
        part[depth] = i;
        if (entry & 1) {
            if (!mend(c, (uint8_t **)(entry & ~3ull), OPCODES_OF_A_PART, part, depth + 1))
                return false;
        } else if (table[i] != none) {
            if (c->handler_count == MOST_HANDLERS)
                return false;
            uint8_t *handler = c->handlers + HANDLER_SIZE * c->handler_count++;
            memcpy(handler, table[i], CORES_HANDLER_SIZE);
            *window32(handler, HANDLER_RESERVED_BITS) = refused_bits(part);
            correct_edition(handler, part);
            if (part[0] == 59 || part[0] == 60 || part[0] == 63)
                replace_translator(handler);
            table[i] = handler;
        }
    }
    part[depth] = ANY;
    return true;
}

bool decoder_start(core *c)
{
    uint8_t part[PARTS] = {ANY, ANY, ANY, ANY};
    c->handlers = calloc(MOST_HANDLERS, HANDLER_SIZE);
    return c->handlers && mend(c, opcodes(c), OPCODES, part, 0);
}

void decoder_end(core *c) { free(c->handlers); }
