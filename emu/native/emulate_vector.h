/* Vector instructions of Power ISA v3.1, as tables: how a word is told, what it gives. */
#ifndef EMULATE_VECTOR_H
#define EMULATE_VECTOR_H
#include "emulate.h"

/* An instruction's word and what its registers hold. */
typedef struct {
    core *c;
    uint32_t word;
    unsigned bits;    /* of an element, by the rule */
    unsigned variant; /* by the rule, too */
    quadword t, a, b, third;
    unsigned condition; /* what the function says to a field of CR */
} vector_operation;

typedef struct {
    uint32_t mask, word; /* of these bits, beside the primary opcode */
    quadword (*result)(vector_operation *o);
    uint8_t bits, variant;
    enum { TO_VECTOR, TO_GPR, TO_VECTOR_RECORDED, TO_CONDITION } to;
} vector_rule;

typedef struct {
    const vector_rule *rules;
    size_t count;
} vector_rules;

#define RULES_OF(table) {table, sizeof table / sizeof *table}

/* Forms of the word: VX, VX with more of the opcode where VRA stands, VA, VC. */
#define VX(xo) 0x7ff, (xo)
#define VX_A(xo, a) 0x1f07ff, ((xo) | (a) << 16)
#define VA(xo) 0x3f, (xo)
#define VN(xo, which) 0x63f, ((xo) | (which) << 9)
#define DX(xo) 0x3e, (xo) << 1
#define VC(xo) 0x3ff, (xo)
#define VC_A(xo, a) 0x1f03ff, ((xo) | (a) << 16)

extern const vector_rules integer_rules, permute_rules, mask_rules;
#endif
