/* What storage an instruction accesses (Power ISA I 3.3, 4.6, 6.7, 7.6): for watchpoints. */
#include "internal.h"

/* Primary opcodes 32 to 55: bytes accessed; 0: lmw and stmw. */
static const uint8_t d_form[] = {4, 4, 1, 1, 4, 4, 1, 1, 2, 2, 2, 2,
                                 2, 2, 0, 0, 4, 4, 8, 8, 4, 4, 8, 8};

/* Extended opcodes of primary opcode 31, by the bytes they access. */
static const uint16_t one_byte[] = {7, 52, 54, 86, 87, 119, 135, 215, 247, 694, 781, 853,
                                    909, 981, 982};
static const uint16_t two_bytes[] = {39, 116, 167, 279, 311, 343, 375, 407, 439, 726, 790, 813,
                                     821, 918, 941, 949};
static const uint16_t four_bytes[] = {12, 20, 23, 55, 71, 76, 140, 150, 151, 183, 199, 341, 364,
                                      373, 524, 534, 535, 567, 582, 652, 662, 663, 695, 710, 789,
                                      855, 887, 917, 983};
static const uint16_t eight_bytes[] = {21, 53, 84, 149, 181, 214, 332, 532, 588, 599, 614, 631,
                                        660, 716, 727, 742, 759, 885, 1013};
/* Those that round their address down to a multiple of what they access. */
static const uint16_t rounding[] = {7, 39, 71, 103, 135, 167, 199, 231, 359, 487, 1014};

/* Of those, and of the ones that access 16 bytes, the stores; the loads of 16 bytes. */
static const uint16_t stores[] = {135, 140, 149, 150, 151, 167, 181, 182, 183, 199,  214,  215, 231,
                                  247, 396, 397, 407, 429, 439, 487, 652, 660, 661,  662,  663, 694,
                                  695, 710, 716, 725, 726, 727, 742, 759, 908, 909,  917,  918, 919,
                                  940, 941, 949, 972, 981, 983, 1004, 1013, 1014};
static const uint16_t sixteen_byte_loads[] = {103, 268, 276, 359, 780, 791, 812, 844, 876};

enum { LSWX = 533, LSWI = 597, STSWX = 661, STSWI = 725, LXVL = 269, LXVLL = 301, STXVL = 397,
       STXVLL = 429, DCBZ = 1014 };
#define DCBZ_BYTES 128
#define XER_LENGTH 0x7f

#define CONTAINS(table, number) contains(table, sizeof table / sizeof *table, number)

static bool contains(const uint16_t *table, size_t count, unsigned number)
{
    for (size_t i = 0; i < count; i++)
        if (table[i] == number)
            return true;
    return false;
}

/* stbcx., sthcx., stwcx., stdcx., stqcx.: they store if the reservation is still there. */
static const uint16_t conditional[] = {150, 182, 214, 694, 726};
/* lwat, ldat, stwat, stdat: they load a value and store another in its place. */
static const uint16_t atomic[] = {582, 614, 710, 742};

bool conditional_store(uint32_t word)
{
    return word >> 26 == 31 && CONTAINS(conditional, word >> 1 & 0x3ff);
}

bool atomic_operation(uint32_t word)
{
    return word >> 26 == 31 && CONTAINS(atomic, word >> 1 & 0x3ff);
}

static uint64_t indexed_length(core *c, uint32_t word, unsigned extended, uint64_t b)
{
    switch (extended) {
    case LSWX:
    case STSWX: return core_xer(c) & XER_LENGTH;
    case LSWI:
    case STSWI: return word >> 11 & 0x1f ? word >> 11 & 0x1f : 32;
    case LXVL:
    case LXVLL:
    case STXVL:
    case STXVLL: return b >> 56 > 16 ? 16 : b >> 56;
    case DCBZ: return DCBZ_BYTES;
    }
    return CONTAINS(one_byte, extended)      ? 1
           : CONTAINS(two_bytes, extended)   ? 2
           : CONTAINS(four_bytes, extended)  ? 4
           : CONTAINS(eight_bytes, extended) ? 8
                                             : 16;
}

static void indexed(core *c, uint32_t word, uint64_t base, uint64_t *address, uint64_t *length)
{
    unsigned extended = word >> 1 & 0x3ff;
    uint64_t b = *gpr(c, word >> 11 & 0x1f);
    *length = indexed_length(c, word, extended, b);
    switch (extended) {
    case LSWI:
    case STSWI:
    case LXVL:
    case LXVLL:
    case STXVL:
    case STXVLL: *address = base; break;
    default: *address = base + b;
    }
    if (CONTAINS(rounding, extended))
        *address &= -*length;
}

void storage_operand(core *c, uint32_t word, uint64_t *address, uint64_t *length)
{
    unsigned opcode = word >> 26, ra = word >> 16 & 0x1f, low = word & 3;
    uint64_t base = ra ? *gpr(c, ra) : 0;
    int64_t displacement = (int16_t)word;
    *length = 16;
    switch (opcode) {
    case 31: indexed(c, word, base, address, length); break;
    case 56: *address = base + (displacement & ~15ll); break; /* lq */
    case 57: /* lfdp, lxsd, lxssp */
    case 61: /* stfdp, lxv, stxsd, stxssp, stxv */
        *address = base + (displacement & (low == 1 ? ~15ll : ~3ll));
        *length = low == 2 ? 8 : low == 3 ? 4 : 16;
        break;
    case 58: /* ld, ldu, lwa */
    case 62: /* std, stdu, stq */
        *address = base + (displacement & ~3ll);
        *length = low != 2 ? 8 : opcode == 58 ? 4 : 16;
        break;
    default:
        *address = base + displacement;
        if (opcode >= 32 && opcode <= 55)
            *length = d_form[opcode - 32] ? d_form[opcode - 32] : 4 * (32 - (word >> 21 & 0x1f));
    }
    if (!(msr(c) & MSR_SF))
        *address &= 0xffffffffull;
    if (!*length)
        *length = 1;
}

static int indexed_accesses(unsigned extended)
{
    switch (extended) {
    case 582:
    case 614: return ACCESSES_LOAD | ACCESSES_STORE; /* lwat, ldat */
    case LSWX:
    case LSWI:
    case LXVL:
    case LXVLL: return ACCESSES_LOAD;
    }
    if (CONTAINS(stores, extended))
        return ACCESSES_STORE;
    return CONTAINS(one_byte, extended) || CONTAINS(two_bytes, extended)
                   || CONTAINS(four_bytes, extended) || CONTAINS(eight_bytes, extended)
                   || CONTAINS(sixteen_byte_loads, extended)
               ? ACCESSES_LOAD
               : 0;
}

int storage_accesses(uint32_t word)
{
    unsigned opcode = word >> 26;
    switch (opcode) {
    case 31: return indexed_accesses(word >> 1 & 0x3ff);
    case 36: case 37: case 38: case 39: case 44: case 45: case 47: /* stw to stmw */
    case 52: case 53: case 54: case 55:                            /* stfs to stfdu */
    case 62: return ACCESSES_STORE;
    case 61: return (word & 7) == 1 ? ACCESSES_LOAD : ACCESSES_STORE; /* lxv; stfdp, stxv, ... */
    default: return (opcode >= 32 && opcode < 52) || (opcode >= 56 && opcode < 59) ? ACCESSES_LOAD : 0;
    }
}
