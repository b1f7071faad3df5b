/* The way of an instruction that the core refused: found here, carried out in a file of its
   facility, its storage accesses as the core's own. */
#include "emulate.h"

#include <endian.h>

#define PAGE_BYTES 4096ull

static const struct {
    uint64_t bit, vector;
} facilities[] = {{MSR_FP, 0x800}, {MSR_VEC, 0xf20}, {MSR_VSX, 0xf40}};

bool facility_on(core *c, uint64_t address, uint64_t bit)
{
    if (msr(c) & bit)
        return true;
    for (size_t i = 0; i < sizeof facilities / sizeof *facilities; i++)
        if (facilities[i].bit == bit)
            deliver(c, facilities[i].vector, address, 0);
    return false;
}

/* ---- storage ------------------------------------------------------------------------------ */

typedef struct {
    uint64_t real[2]; /* of the first page's part and of the next one's */
    unsigned first;   /* bytes in the first page */
} place;

uint64_t indexed_address(core *c, uint32_t word)
{
    return effective_address(c, (RA(word) ? *gpr(c, RA(word)) : 0) + *gpr(c, RB(word)));
}

static void interrupt_storage(core *c, uint64_t address, uint64_t effective, int access,
                              uint32_t cause)
{
    *spr(c, SPR_DAR) = effective;
    if (cause == CAUSE_SEGMENT) {
        deliver(c, 0x380, address, 0);
    } else if (cause == CAUSE_DEVICE) {
        deliver(c, 0x600, address, 0); /* no instruction of these is for devices */
    } else {
        c->counts.storage_interrupts++;
        *spr(c, SPR_DSISR) = cause | (access == ACCESS_STORE ? CAUSE_STORE : 0);
        deliver(c, 0x300, address, 0);
    }
}

static bool locate(core *c, uint64_t address, uint64_t effective, unsigned length, int access,
                   place *at)
{
    unsigned left = (unsigned)(PAGE_BYTES - effective % PAGE_BYTES);
    if (guest_watches(c)
        && guest_watch_hit(c, access == ACCESS_STORE ? ACCESSES_STORE : ACCESSES_LOAD, address,
                           effective, length))
        return false;
    at->first = left < length ? left : length;
    for (unsigned part = 0; part < (left < length ? 2u : 1u); part++) {
        translation found;
        uint32_t cause;
        uint64_t where = effective_address(c, effective + (part ? left : 0));
        if (!translate(c, where, access, true, &found, &cause)) {
            interrupt_storage(c, address, where, access, cause);
            return false;
        }
        at->real[part] = found.real;
    }
    return true;
}

/* The bytes as a number: `bytes` are in the order of their addresses. */
static unsigned __int128 number(core *c, const uint8_t *bytes, unsigned length)
{
    unsigned __int128 value = 0;
    bool little = msr(c) & MSR_LE;
    for (unsigned n = 0; n < length; n++)
        value = value << 8 | bytes[little ? length - 1 - n : n];
    return value;
}

bool load_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                  unsigned __int128 *value)
{
    uint8_t bytes[16];
    place at;
    if (!locate(c, address, effective, length, ACCESS_LOAD, &at))
        return false;
    memcpy(bytes, c->storage + at.real[0], at.first);
    if (at.first < length)
        memcpy(bytes + at.first, c->storage + at.real[1], length - at.first);
    *value = number(c, bytes, length);
    return true;
}

bool storable(core *c, uint64_t address, uint64_t effective, unsigned length)
{
    place at;
    return locate(c, address, effective, length, ACCESS_STORE, &at);
}

bool store_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                   unsigned __int128 value)
{
    uint8_t bytes[16];
    place at;
    bool little = msr(c) & MSR_LE;
    if (!locate(c, address, effective, length, ACCESS_STORE, &at))
        return false;
    for (unsigned n = 0; n < length; n++)
        bytes[little ? n : length - 1 - n] = (uint8_t)(value >> 8 * n);
    core_write_storage(c, at.real[0], bytes, at.first);
    if (at.first < length)
        core_write_storage(c, at.real[1], bytes + at.first, length - at.first);
    return true;
}

/* Whether the host exchanges what lies there at one go. */
static bool exchanges(uint64_t address, unsigned length)
{
#if defined(__x86_64__)
    (void)address, (void)length;
    return true;
#else
    return address % length == 0;
#endif
}

/* Whether `expected` stood there. */
static bool exchange(uint8_t *bytes, unsigned length, uint64_t expected, uint64_t value)
{
    switch (length) {
    case 2: {
        uint16_t old = (uint16_t)expected;
        return __atomic_compare_exchange_n((uint16_t *)bytes, &old, (uint16_t)value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    case 4: {
        uint32_t old = (uint32_t)expected;
        return __atomic_compare_exchange_n((uint32_t *)bytes, &old, (uint32_t)value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    default:
        return __atomic_compare_exchange_n((uint64_t *)bytes, &expected, value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

bool exchange_storage(core *c, uint64_t address, uint64_t effective, unsigned length,
                      uint64_t expected, uint64_t value, bool *done)
{
    unsigned __int128 found;
    place at;
    if (!locate(c, address, effective, length, ACCESS_STORE, &at))
        return false;
    if (at.first < length || !(msr(c) & MSR_LE) || !exchanges(at.real[0], length)) {
        if (!load_storage(c, address, effective, length, &found))
            return false;
        *done = found == expected;
        return !*done || store_storage(c, address, effective, length, value);
    }
    *done = exchange(c->storage + at.real[0], length, expected, value);
    if (*done)
        drop_code(c, at.real[0], at.real[0] + length);
    return true;
}

/* ---- dispatch ----------------------------------------------------------------------------- */

static enum emulated carry_out(core *c, uint64_t address, uint32_t word)
{
    enum emulated later = c->isa >= ISA_3_1 ? emulate_vsx_3_1(c, address, word) : NOT_THERE;
    if (later != NOT_THERE)
        return later;
    switch (word >> 26) {
    case 1: return emulate_prefixed(c, address, word);
    case 4: return emulate_vector(c, address, word);
    case 31: return emulate_fixed(c, address, word);
    case 59: {
        enum emulated how = emulate_decimal(c, address, word);
        return how == NOT_THERE && c->isa >= ISA_3_1 ? emulate_matrix(c, address, 0, word) : how;
    }
    case 6:
    case 60: return emulate_vsx(c, address, word);
    case 63: {
        enum emulated how = emulate_decimal(c, address, word);
        if (how == NOT_THERE)
            how = emulate_multiply_add(c, address, word);
        return how == NOT_THERE ? emulate_vsx(c, address, word) : how;
    }
    default: return NOT_THERE;
    }
}

bool emulate(core *c, uint64_t address, uint32_t word)
{
    enum emulated how = carry_out(c, address, word);
    if (how == DONE) {
        c->counts.emulated++;
        guest_completes(c);
    }
    return how != NOT_THERE;
}
