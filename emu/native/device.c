/* Accesses to device pages: decoded here, answered by whoever runs the core.

   The TLB never holds a device page, so each access to one comes to on_tlb_miss, is refused and
   leaves translated code with the state before its instruction.  What storage that is cached may
   be accessed with, but a device may not, gives the guest an interrupt (Power ISA III 7.5.3,
   7.5.8).  The block was counted when it began; what of it did not run is `ahead` (debug.c). */
#include "internal.h"
#include "tlb.h"

#define PAGE_MASK (~0xfffull)
/* DSISR: the instruction needs storage that is cached (III 7.5.3). */
#define CAUSE_CACHING_INHIBITED 0x04000000u

/* What an instruction does with the bytes of a device. */
typedef struct {
    enum { LOAD, STORE, NOTHING, RESERVED, MISFIT } kind;
    bool update, reversed, algebraic;
} operation;

/* Primary opcodes 32 to 45: lwz to sthu. */
static operation decode_d_form(unsigned opcode)
{
    bool store = (opcode >= 36 && opcode < 40) || opcode >= 44;
    return (operation){.kind = store ? STORE : LOAD,
                       .update = opcode & 1,
                       .algebraic = opcode == 42 || opcode == 43};
}

/* Primary opcodes 58 and 62: ld, ldu, lwa; std, stdu, stq. */
static operation decode_ds_form(bool store, unsigned low)
{
    if (low == 2)
        return (operation){.kind = store ? RESERVED : LOAD, .algebraic = true};
    return (operation){.kind = low > 2 ? MISFIT : store ? STORE : LOAD, .update = low == 1};
}

static operation decode_x_form(unsigned extended)
{
    switch (extended) {
    case 21: case 23: case 87: case 279: return (operation){.kind = LOAD};
    case 53: case 55: case 119: case 311: return (operation){.kind = LOAD, .update = true};
    case 341: case 343: return (operation){.kind = LOAD, .algebraic = true};
    case 373: case 375: return (operation){.kind = LOAD, .update = true, .algebraic = true};
    case 532: case 534: case 790: return (operation){.kind = LOAD, .reversed = true};
    case 149: case 151: case 215: case 407: return (operation){.kind = STORE};
    case 181: case 183: case 247: case 439: return (operation){.kind = STORE, .update = true};
    case 660: case 662: case 918: return (operation){.kind = STORE, .reversed = true};
    case 54: case 86: case 982: return (operation){.kind = NOTHING}; /* dcbst, dcbf, icbi */
    case 20: case 52: case 84: case 116: case 276:             /* lwarx to lqarx */
    case 150: case 214: case 694: case 726: case 182:          /* stwcx. to stqcx. */
    case 582: case 614: case 710: case 742:                     /* lwat to stdat */
        return (operation){.kind = RESERVED};
    default: return (operation){.kind = MISFIT};
    }
}

static operation decode(uint32_t word)
{
    unsigned opcode = word >> 26;
    switch (opcode) {
    case 31: return decode_x_form(word >> 1 & 0x3ff);
    case 56: return (operation){.kind = RESERVED}; /* lq */
    case 58:
    case 62: return decode_ds_form(opcode == 62, word & 3);
    default:
        if (opcode >= 32 && opcode <= 45)
            return decode_d_form(opcode);
        return (operation){.kind = MISFIT};
    }
}

static uint64_t low_bytes(uint64_t value, uint64_t length)
{
    return length == 8 ? value : value & ((1ull << 8 * length) - 1);
}

/* Between a register and the bytes in the order of their addresses, read as a big-endian number. */
static uint64_t in_order(core *c, bool reversed, uint64_t value, uint64_t length)
{
    bool little_endian = msr(c) & MSR_LE;
    return little_endian == reversed ? low_bytes(value, length)
                                     : __builtin_bswap64(value) >> 8 * (8 - length);
}

static uint64_t extended(uint64_t value, uint64_t length)
{
    unsigned shift = 8 * (8 - length);
    return (uint64_t)((int64_t)(value << shift) >> shift);
}

bool is_device(const core *c, uint64_t real)
{
    for (int i = 0; i < c->device_count; i++)
        if (real - c->devices[i].address < c->devices[i].length)
            return true;
    return false;
}

int core_add_device_pages(core *c, uint64_t address, uint64_t length)
{
    if (c->device_count == DEVICES || address < c->size || !length
        || address + (length - 1) < address)
        return -1;
    c->devices[c->device_count++] = (device_range){address, length};
    return 0;
}

void core_remove_device_pages(core *c) { c->device_count = 0; }

static void step_over(core *c)
{
    *nip(c) += 4;
    if (!(msr(c) & MSR_SF))
        *nip(c) &= 0xffffffffull;
    c->ahead--;
    c->ahead_nip = *nip(c);
    guest_completes(c);
    debug_settle(c);
}

static int refuse(core *c, uint64_t vector, uint64_t address, uint32_t cause)
{
    *spr(c, SPR_DAR) = address;
    if (cause)
        *spr(c, SPR_DSISR) = cause | (c->fault_access == ACCESS_STORE ? CAUSE_STORE : 0);
    deliver(c, vector, *nip(c), 0);
    debug_interrupted(c);
    return -1;
}

int device_fault(core *c)
{
    uint32_t word;
    uint64_t address, length;
    uint64_t accessed = *window64((uint8_t *)c->uc, UC_INVALID_ADDR);
    core_device_access *access = &c->device_access;
    c->fault_pending = false;
    c->ahead += (c->block_end - *nip(c)) >> 2;
    c->ahead_nip = *nip(c);
    debug_settle(c);
    if (!fetch_instruction(c, *nip(c), &word)) { /* unmapped, and the TLB does not know it */
        tlb_flush(c);
        return -1;
    }
    operation o = decode(word);
    storage_operand(c, word, &address, &length);
    if (debug_watch_stops(c, word, address, length))
        return CORE_DEBUG;
    if (o.kind == RESERVED)
        return refuse(c, 0x300, accessed, CAUSE_CACHING_INHIBITED);
    if (o.kind == NOTHING) {
        step_over(c);
        return -1;
    }
    if (o.kind == MISFIT || address & (length - 1) || address != accessed)
        return refuse(c, 0x600, address, 0);
    access->address = c->fault_real | (address & ~PAGE_MASK);
    access->length = length;
    access->store = o.kind == STORE;
    access->value = o.kind == STORE ? in_order(c, o.reversed, *gpr(c, RT(word)), length) : 0;
    c->device_instruction = word;
    c->counts.device_accesses++;
    return CORE_DEVICE;
}

const core_device_access *core_device(core *c) { return &c->device_access; }

void core_finish_device(core *c, uint64_t value)
{
    uint32_t word = c->device_instruction;
    operation o = decode(word);
    uint64_t address, length;
    storage_operand(c, word, &address, &length);
    if (o.kind == LOAD) {
        uint64_t loaded = in_order(c, o.reversed, value, length);
        *gpr(c, RT(word)) = o.algebraic ? extended(loaded, length) : loaded;
    }
    if (o.update)
        *gpr(c, RA(word)) = address;
    trace_access_ends(c, true);
    step_over(c);
}
