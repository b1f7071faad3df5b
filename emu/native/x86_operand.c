/* Operands of x86 instructions (SDM volume 2, 2.1 and 2.2.1). */
#include "x86_reader.h"

static int64_t next_signed(reader *r, unsigned bytes)
{
    uint64_t value = next(r, bytes), sign = (uint64_t)1 << (8 * bytes - 1);
    return (int64_t)((value ^ sign) - sign);
}

static void memory_16(reader *r, unsigned mode, unsigned rm, x86_operand *o)
{
    static const int8_t bases[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const int8_t indexes[8] = {6, 7, 6, 7, -1, -1, -1, -1};
    o->base = bases[rm];
    o->index = indexes[rm];
    if (mode == 0 && rm == 6) {
        o->base = -1;
        o->value = next_signed(r, 2);
    } else if (mode) {
        o->value = next_signed(r, mode);
    }
    o->segment = r->segment >= 0 ? r->segment : o->base == 5 ? SS : DS;
}

/* 32- and 64-bit addresses: ModRM, SIB, displacement. */
static void memory_32(reader *r, unsigned mode, unsigned rm, x86_operand *o)
{
    unsigned base = rm, high = r->rex & 1 ? 8 : 0;
    int index = -1;
    if (rm == 4) {
        unsigned sib = next(r, 1);
        base = sib & 7;
        o->shift = sib >> 6;
        index = (sib >> 3 & 7) | (r->rex & 2) << 2;
        if (index == 4)
            index = -1;
    }
    o->base = base | high;
    if (mode == 0 && base == 5) {
        o->base = -1;
        o->value = next_signed(r, 4);
        if (r->wide && rm == 5)
            r->relative = o;
    } else if (mode) {
        o->value = next_signed(r, mode == 1 ? 1 : 4);
    }
    if (r->wide)
        o->segment = r->segment >= FS ? r->segment : DS;
    else
        o->segment = r->segment >= 0 ? r->segment : o->base == 4 || o->base == 5 ? SS : DS;
    if (index >= 0 && o->base < 0 && !o->shift) {
        o->base = index;
        index = -1;
    }
    o->index = index;
}

void x86_read_storage(reader *r, int modrm, unsigned size, x86_operand *o)
{
    o->kind = X86_STORAGE;
    o->size = size;
    o->narrow = r->narrow;
    o->wide = r->wide;
    if (r->narrow && !r->wide)
        memory_16(r, modrm >> 6, modrm & 7, o);
    else
        memory_32(r, modrm >> 6, modrm & 7, o);
}

static void absolute(reader *r, unsigned size, x86_operand *o)
{
    o->kind = X86_STORAGE;
    o->size = size;
    o->narrow = r->narrow;
    o->wide = r->wide;
    o->base = o->index = -1;
    o->value = next_signed(r, (r->narrow ? 2 : 4) << r->wide);
    o->segment = r->segment >= (r->wide ? FS : 0) ? r->segment : DS;
}

static void general(const reader *r, unsigned number, unsigned size, x86_operand *o)
{
    o->kind = X86_REGISTER;
    o->size = size;
    o->base = number;
    if (size == 1 && !r->has_rex && number > 3) { /* AH, CH, DH, BH */
        o->base = number & 3;
        o->narrow = 1;
    }
}

static void number(x86_operand *o, int64_t value)
{
    o->kind = X86_NUMBER;
    o->value = value;
}

static unsigned at_most_4(unsigned size)
{
    return size < 4 ? size : 4;
}

static void immediate(reader *r, unsigned bytes, unsigned size, x86_operand *o)
{
    if (bytes == 2)
        number(o, next(r, 2));
    else
        number(o, next_signed(r, bytes == 1 ? 1 : bytes == 8 ? size : at_most_4(size)));
}

static void segment_register(reader *r, unsigned value, x86_operand *o)
{
    o->kind = X86_SEGMENT_REGISTER;
    o->base = value;
    if (value > GS)
        refuse(r, X86_UNDEFINED);
}

void x86_read_operand(reader *r, const x86_spec *spec, const x86_instruction *i, x86_operand *o)
{
    unsigned size = spec->bytes ? spec->bytes : i->size;
    unsigned reg = (i->modrm >> 3 & 7) | (r->rex & 4) << 1;
    unsigned rm = (i->modrm & 7) | (r->rex & 1) << 3;
    switch (spec->kind) {
    case X86_E:
        if (i->modrm >= 0xC0)
            general(r, rm, size, o);
        else
            x86_read_storage(r, i->modrm, size, o);
        break;
    case X86_M:
        if (i->modrm >= 0xC0)
            refuse(r, X86_UNDEFINED);
        else
            x86_read_storage(r, i->modrm, size, o);
        break;
    case X86_R:
        if (i->modrm >= 0xC0)
            general(r, rm, i->size, o);
        else
            x86_read_storage(r, i->modrm, 2, o);
        break;
    case X86_G:
        general(r, reg, size, o);
        break;
    case X86_S:
        segment_register(r, i->modrm >> 3 & 7, o);
        if (spec->value && o->base == CS)
            refuse(r, X86_UNDEFINED);
        break;
    case X86_Z:
        general(r, (i->opcode & 7) | (r->rex & 1) << 3, size, o);
        break;
    case X86_I:
        immediate(r, spec->bytes, i->size, o);
        break;
    case X86_J:
        o->kind = X86_TARGET;
        o->value = next_signed(r, spec->bytes ? spec->bytes : at_most_4(i->size));
        break;
    case X86_O:
        absolute(r, size, o);
        break;
    case X86_BYTE:
        o->kind = X86_REGISTER;
        o->size = 1;
        o->base = spec->value;
        break;
    case X86_A:
        o->kind = X86_REGISTER;
        o->size = i->size;
        break;
    case X86_CONSTANT:
        number(o, spec->value);
        break;
    default:
        segment_register(r, spec->value, o);
        break;
    }
}
