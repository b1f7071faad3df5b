/* From bytes to one x86 instruction (SDM volume 2, chapter 2). */
#include <string.h>

#include "x86_reader.h"

enum { MAP_ONE, MAP_TWO, MAP_38, MAP_3A };

/* What counts from the next instruction, when that is known. */
static void settle(reader *r, x86_instruction *i)
{
    uint64_t behind = r->address + r->at;
    if (r->relative)
        r->relative->value = (int64_t)((uint64_t)r->relative->value + behind);
    if (i->count && i->operands[i->count - 1].kind == X86_TARGET) {
        x86_operand *o = &i->operands[i->count - 1];
        i->target = (uint64_t)o->value + behind;
        if (!r->wide)
            i->target &= i->size == 2 ? 0xFFFF : 0xFFFFFFFF;
        i->has_target = 1;
        o->value = (int64_t)i->target;
    }
}

static uint8_t effect(const x86_tables *t, const x86_form *form, const x86_instruction *i)
{
    const uint8_t *choices = t->choices[form->choice];
    const x86_operand *count = &i->operands[i->count ? i->count - 1 : 0];
    unsigned steps;
    switch (form->selector) {
    case X86_BY_CONDITION:
        return choices[i->condition];
    case X86_BY_REPEAT:
        return choices[i->repeat != 0];
    case X86_BY_COUNT:
        if (count->kind != X86_NUMBER)
            return choices[2];
        steps = count->value & (i->size == 8 ? 63 : 31);
        if (form->flags & X86_THROUGH)
            steps %= 8 * i->size + 1;
        return choices[steps != 0];
    default:
        return choices[0];
    }
}

/* ModRM and, without a table of its own, the storage operand. */
static void simple_operand(reader *r, x86_instruction *i)
{
    i->modrm = next(r, 1);
    if (i->modrm < 0xC0)
        x86_read_storage(r, i->modrm, 0, &i->operands[i->count++]);
}

static void x87(reader *r, const x86_tables *t, x86_instruction *i)
{
    i->name = t->name_x87;
    simple_operand(r, i);
    settle(r, i);
    i->repeat = i->lock = i->prefix = i->condition = 0;
    i->effect = t->x87_effects[i->opcode & 7][i->modrm];
}

/* Operands: the storage operand if there is one, then the immediate byte. */
static void simd(reader *r, const x86_tables *t, unsigned map, x86_instruction *i)
{
    unsigned flags = t->simd[map][i->opcode & 0xFF];
    i->name = map == MAP_TWO ? t->name_simd : t->name_three_bytes;
    if (i->lock)
        refuse(r, X86_UNDEFINED);
    if (!(flags & X86_SIMD_NO_MODRM))
        simple_operand(r, i);
    if (flags & X86_SIMD_IMMEDIATE) {
        x86_operand *o = &i->operands[i->count++];
        o->kind = X86_NUMBER;
        o->value = next(r, 1);
    }
    settle(r, i);
    if (i->repeat)
        i->prefix = i->repeat;
    i->condition = 0;
    i->effect = t->simd_effects[map][i->opcode & 0xFF];
}

static void by_form(reader *r, const x86_tables *t, const x86_form *form, x86_instruction *i)
{
    if (form->flags & X86_NEAR)
        i->size = 8;
    else if (form->flags & X86_STACK)
        i->size = i->size == 2 ? 2 : 8;
    if (form->flags & X86_MODRM)
        i->modrm = next(r, 1);
    if (form->flags & X86_BYTES)
        i->size = 1;
    i->name = form->name;
    while (i->count < 3 && form->operands[i->count].kind != X86_END && !r->status) {
        x86_read_operand(r, &form->operands[i->count], i, &i->operands[i->count]);
        i->count++;
    }
    if (i->lock && !(form->flags & X86_LOCKABLE && i->operands[0].kind == X86_STORAGE))
        refuse(r, X86_UNDEFINED);
    settle(r, i);
    if (form->flags & X86_NOTHING && !(r->rex & 1)) {
        i->name = form->other;
        memset(i->operands, 0, sizeof i->operands);
        i->count = 0;
    } else if (form->flags & X86_COUNTS) {
        i->size = (r->narrow ? 2 : 4) << r->wide;
    } else if (i->size == 2 && !(form->flags & X86_NOTHING)) {
        i->name = form->other;
    }
    if (form->flags & X86_REGISTERS && r->narrow)
        refuse(r, X86_UNDEFINED);
    if (r->segment >= (r->wide ? FS : 0))
        i->segment = r->segment;
    i->effect = effect(t, form, i);
}

/* Prefixes, into the record; the byte behind them. */
static unsigned prefixes(reader *r, int mode, x86_instruction *i)
{
    unsigned other = i->size == 2 ? 4 : 2;
    for (;;) {
        unsigned byte = next(r, 1);
        if (r->status)
            return 0;
        if (r->wide && (byte & 0xF0) == 0x40) {
            r->rex = byte & 15;
            r->has_rex = 1;
            continue;
        }
        switch (byte) {
        case 0x66:
            i->size = other;
            if (!i->prefix)
                i->prefix = byte;
            break;
        case 0xF2:
        case 0xF3:
            i->repeat = i->prefix = byte;
            break;
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            r->segment = byte >> 3 & 3;
            break;
        case 0x64:
        case 0x65:
            r->segment = byte & 7;
            break;
        case 0xF0:
            i->lock = 1;
            break;
        case 0x67:
            r->narrow = !(mode & MODE_16);
            break;
        default:
            return byte;
        }
        r->rex = r->has_rex = 0; /* only right before the opcode */
    }
}

static unsigned opcode(reader *r, unsigned first, x86_instruction *i)
{
    unsigned map = MAP_ONE, byte = first;
    i->opcode = first;
    if (first == 0x0F) {
        map = MAP_TWO;
        byte = next(r, 1);
        if (byte == 0x38 || byte == 0x3A) {
            map = byte == 0x38 ? MAP_38 : MAP_3A;
            i->opcode = i->opcode << 8 | byte;
            byte = next(r, 1);
        }
        i->opcode = i->opcode << 8 | byte;
    }
    return map;
}

/* What is behind the opcode. */
static void behind(reader *r, const x86_tables *t, unsigned map, x86_instruction *i)
{
    unsigned low = i->opcode & 0xFF;
    const x86_form *form = &t->forms[r->wide][map][low];
    if (form->group && r->at < r->length)
        form = &t->groups[r->wide][form->group & 31][r->code[r->at] >> 3 & 7];
    else if (form->group)
        next(r, 1); /* there is none */
    if (form->flags & X86_EXISTS)
        by_form(r, t, form, i);
    else if (t->simd[map][low] & X86_SIMD)
        simd(r, t, map, i);
    else if (map == MAP_ONE && (low & 0xF8) == 0xD8)
        x87(r, t, i);
    else
        refuse(r, X86_UNDEFINED);
}

int x86_decode(const x86_tables *t, const uint8_t *code, size_t length, uint64_t address, int mode,
               x86_instruction *i)
{
    reader r = {
        .code = code,
        .length = length < LONGEST ? length : LONGEST,
        .address = address,
        .segment = NO_SEGMENT,
        .narrow = (mode & MODE_16) != 0,
        .wide = (mode & MODE_64) != 0,
    };
    memset(i, 0, sizeof *i);
    i->address = address;
    i->modrm = -1;
    i->segment = DS;
    i->size = mode & MODE_16 ? 2 : 4;
    unsigned first = prefixes(&r, mode, i), map = r.status ? MAP_ONE : opcode(&r, first, i);
    if (r.rex & 8)
        i->size = 8;
    i->rex = r.has_rex ? 0x40 | r.rex : 0;
    i->condition = i->opcode & 15;
    if (!r.status)
        behind(&r, t, map, i);
    i->length = r.at;
    if (r.status == X86_TRUNCATED)
        i->address = address + r.length;
    return r.status;
}
