/* Vector instructions, primary opcode 4 (Power ISA I chapter 6): found in the tables of
   emulate_vector_*.c. */
#include "emulate_vector.h"

#define MULTIPLY_SUM_DOUBLEWORDS 35 /* vmsumudm */
#define RECORDS(word) ((word) >> 10 & 1)
#define BF(word) ((word) >> 23 & 7)
#define CR6 6

static const vector_rules *const tables[] = {&integer_rules, &permute_rules, &mask_rules};

static const vector_rule *find(uint32_t word)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t n = 0; n < tables[i]->count; n++)
            if ((word & tables[i]->rules[n].mask) == tables[i]->rules[n].word)
                return &tables[i]->rules[n];
    return NULL;
}

bool is_later_vector(uint32_t word) { return find(word); }

static quadword multiply_sum(vector_operation *o)
{
    quadword low = (quadword)(uint64_t)o->a * (uint64_t)o->b;
    return low + (o->a >> 64) * (o->b >> 64) + o->third;
}

static const vector_rule since_3_0 = {VA(MULTIPLY_SUM_DOUBLEWORDS), multiply_sum, 0, 0, TO_VECTOR};

static void carry_out(core *c, uint32_t word, const vector_rule *rule)
{
    vsr_value *target = vsr_of(c->env, 32 + RT(word));
    vector_operation o = {.c = c,
                          .word = word,
                          .bits = rule->bits,
                          .variant = rule->variant,
                          .t = target->q,
                          .a = vsr_of(c->env, 32 + RA(word))->q,
                          .b = vsr_of(c->env, 32 + RB(word))->q,
                          .third = vsr_of(c->env, 32 + RC(word))->q};
    quadword result = rule->result(&o);
    switch (rule->to) {
    case TO_GPR: *gpr(c, RT(word)) = (uint64_t)result; break;
    case TO_CONDITION: *window32(c->env, ENV_CRF + 4 * BF(word)) = o.condition; break;
    case TO_VECTOR_RECORDED:
        if (RECORDS(word))
            *window32(c->env, ENV_CRF + 4 * CR6) = o.condition;
        /* fall through */
    case TO_VECTOR: target->q = result;
    }
}

enum emulated emulate_vector(core *c, uint64_t address, uint32_t word)
{
    bool old = (word & since_3_0.mask) == since_3_0.word;
    const vector_rule *rule = old ? &since_3_0 : find(word);
    if (!rule || c->isa < (old ? ISA_3_0 : ISA_3_1))
        return NOT_THERE;
    if (!facility_on(c, address, MSR_VEC))
        return INTERRUPTED;
    carry_out(c, word, rule);
    return DONE;
}
