/* ISA levels: what a later edition of the Power ISA brought is taken away.

   The core decodes by a table of its own engine, whose entries tell what they belong to.  Where
   that is later than the level, the entry is exchanged for the one of no instruction, or of what
   ignored the bits that tell the later one; where one
   entry serves instructions of several editions, the core's translator asks the same flags of the
   processor state.  Either way the guest gets a program interrupt.

   Special purpose registers go by problem state alone, as with the hardware's PCR: in privileged
   state all that the core has are there at every level. */
#include <stdlib.h>

#include "internal.h"
#include "tlb.h"

/* What instructions belong to, of those the core has and ISA 2.06 does not. */
#define TYPE_2_VSX_2_07 0x40ull
#define TYPE_2_BCTAR 0x1000ull
#define TYPE_2_QUADWORDS 0x2000ull /* lq and stq in problem state, and either byte order */
#define TYPE_2_VECTOR_2_07 0x4000ull
#define TYPE_2_2_07 0x8000ull
#define TYPE_2_TRANSACTIONS 0x20000ull
#define TYPE_2_3_0 0x80000ull
#define SINCE_2_07                                                                      \
    (TYPE_2_VSX_2_07 | TYPE_2_BCTAR | TYPE_2_QUADWORDS | TYPE_2_VECTOR_2_07 | TYPE_2_2_07 \
     | TYPE_2_TRANSACTIONS)
#define SINCE_3_0 TYPE_2_3_0

/* An entry of the decoder's tables, and what stands there while the level has it. */
struct later_instruction {
    uint8_t **entry;
    uint8_t *handler, *before;
};

static const struct {
    int number;
    enum core_isa since;
} later_registers[LATER_REGISTERS] = {
    {SPR_UDSCR, ISA_2_07},
    {SPR_UHDEXCR, ISA_3_1},
    {SPR_USIER2, ISA_3_1},
    {SPR_USIER3, ISA_3_1},
    {SPR_UMMCR3, ISA_3_1},
    {SPR_UDEXCR, ISA_3_1},
    {128, ISA_2_07}, /* TFHAR, TFIAR, TEXASR, TEXASRU */
    {129, ISA_2_07}, {130, ISA_2_07}, {131, ISA_2_07},
    {768, ISA_2_07}, /* SIER, MMCR2 */
    {769, ISA_2_07},
    {800, ISA_2_07}, /* BESCR and its parts, EBBHR, EBBRR */
    {801, ISA_2_07}, {802, ISA_2_07}, {803, ISA_2_07}, {804, ISA_2_07}, {805, ISA_2_07},
    {806, ISA_2_07},
    {815, ISA_2_07}, /* TAR */
};

/* Bits 26:30 and 21:25 of vmulouw, vsubudm, vsubuqm and vsubcuq, which the core takes for older. */
static const uint8_t vectors_2_07[][2] = {{4, 2}, {0, 19}, {0, 20}, {0, 21}};

void correct_edition(uint8_t *handler, const uint8_t *part)
{
    for (size_t i = 0; part[0] == 4 && i < sizeof vectors_2_07 / sizeof *vectors_2_07; i++)
        if (part[1] == vectors_2_07[i][0] && part[2] == vectors_2_07[i][1]) {
            *window64(handler, HANDLER_TYPE) = 0;
            *window64(handler, HANDLER_TYPE_2) = TYPE_2_VECTOR_2_07;
        }
}

static uint64_t later_types(enum core_isa isa)
{
    return (isa < ISA_2_07 ? SINCE_2_07 : 0) | (isa < ISA_3_0 ? SINCE_3_0 : 0);
}

static uint64_t types_2(core *c) { return *window64(c->env, ENV_INSTRUCTIONS_2); }

/* Whether the processor has the instruction while it has instructions of these types. */
static bool has(core *c, uint8_t *handler, uint64_t second_types)
{
    return (*window64(handler, HANDLER_TYPE) & *window64(c->env, ENV_INSTRUCTIONS))
           || (*window64(handler, HANDLER_TYPE_2) & second_types);
}

static bool add_later(core *c, uint8_t **entry, uint8_t *before)
{
    later_instruction *more = realloc(c->later_instructions, (c->later_count + 1) * sizeof *more);
    if (!more)
        return false;
    more[c->later_count++] = (later_instruction){entry, *entry, before};
    c->later_instructions = more;
    return true;
}

static bool find_later(core *c, uint8_t **table, int size)
{
    uint8_t *none = opcodes(c)[OPCODE_UNUSED];
    uint64_t of_2_06 = types_2(c) & ~later_types(ISA_2_06);
    for (int i = 0; i < size; i++) {
        uintptr_t entry = (uintptr_t)table[i];
        if (entry & 1) {
            if (!find_later(c, (uint8_t **)(entry & ~3ull), OPCODES_OF_A_PART))
                return false;
        } else if (table[i] != none && !has(c, table[i], of_2_06)
                   && !add_later(c, &table[i], none)) {
            return false;
        }
    }
    return true;
}

/* Part i of a table, and the same of what it leads to, and again. */
static uint8_t **inner_table(uint8_t **table, int i, int j, int k)
{
    int parts[] = {i, j, k};
    for (size_t n = 0; n < 3; n++)
        table = (uint8_t **)((uintptr_t)table[parts[n]] & ~3ull);
    return table;
}

/* mffs, which had reserved bits where ISA 3.0 tells other instructions from it. */
static bool find_forms_of_mffs(core *c)
{
    uint8_t **forms = inner_table(opcodes(c), 63, 7, 18);
    for (int i = 1; i < OPCODES_OF_A_PART; i++)
        if (!add_later(c, &forms[i], forms[0]))
            return false;
    return true;
}

static void **accessor(core *c, int number, int which)
{
    return (void **)(c->env + ENV_SPR_CB + number * SPR_CB_SIZE + which);
}

bool levels_start(core *c)
{
    c->isa = ISA_3_0;
    for (int i = 0; i < LATER_REGISTERS; i++) {
        int number = later_registers[i].number;
        c->later_registers[i].read = *accessor(c, number, SPR_CB_UEA_READ);
        c->later_registers[i].write = *accessor(c, number, SPR_CB_UEA_WRITE);
    }
    return find_later(c, opcodes(c), OPCODES) && find_forms_of_mffs(c);
}

void levels_end(core *c) { free(c->later_instructions); }

static void set_instructions(core *c, enum core_isa isa)
{
    uint64_t all = types_2(c) | later_types(c->isa), now = all & ~later_types(isa);
    uint8_t *none = opcodes(c)[OPCODE_UNUSED];
    *window64(c->env, ENV_INSTRUCTIONS_2) = now;
    for (int i = 0; i < c->later_count; i++) {
        const later_instruction *later = &c->later_instructions[i];
        bool there = later->before == none ? has(c, later->handler, now) : isa >= ISA_3_0;
        *later->entry = there ? later->handler : later->before;
    }
}

static void set_registers(core *c, enum core_isa isa)
{
    for (int i = 0; i < LATER_REGISTERS; i++) {
        int number = later_registers[i].number;
        bool there = isa >= later_registers[i].since;
        *accessor(c, number, SPR_CB_UEA_READ) = there ? c->later_registers[i].read : NULL;
        *accessor(c, number, SPR_CB_UEA_WRITE) = there ? c->later_registers[i].write : NULL;
    }
}

enum core_isa core_get_isa(core *c) { return c->isa; }

void core_set_isa(core *c, enum core_isa isa)
{
    if (isa == c->isa)
        return;
    set_instructions(c, isa);
    set_registers(c, isa);
    c->isa = isa;
    c->api.ctl(c->uc, CTL_FLUSH_CODE);
    forget_code(c);
}
