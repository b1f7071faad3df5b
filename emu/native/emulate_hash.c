/* hashst, hashchk and their privileged likes: a return address is stored as a hash of it, of the
   stack pointer and of a key, and checked later (Power ISA v3.1B, I 3.3.17). */
#include "emulate.h"

/* What DEXCR asks for: of privileged state in its first word, of problem state in the second. */
#define CHECKS 0x04000000u
#define PRIVILEGED_CHECKS 0x02000000u

#define DISPLACEMENT(word) ((int64_t)(((word) & 1) << 5 | RT(word)) * 8 - 512)

#define ROUNDS 32
#define KEY_PARTS 4

static uint16_t rotate_left(uint16_t value, unsigned places)
{
    return (uint16_t)(value << places | value >> (16 - places));
}

/* A cipher like SIMON32/64: which of four neighbouring round keys a round takes depends on the
   lane. */
static uint32_t encipher(uint32_t block, uint64_t key, unsigned lane)
{
    static const uint64_t sequence = 0xfa2561cdf44ac398;
    uint16_t keys[ROUNDS], left = (uint16_t)block, right = (uint16_t)(block >> 16);
    for (unsigned n = 0; n < KEY_PARTS; n++)
        keys[n] = (uint16_t)(key >> 16 * (KEY_PARTS - 1 - n));
    for (unsigned n = 0; n + KEY_PARTS < ROUNDS; n++) {
        uint16_t mixed = rotate_left(keys[n + 3], 13) ^ keys[n + 1];
        uint16_t constant = 0xfffc ^ (uint16_t)(sequence >> (63 - n) & 1);
        keys[n + KEY_PARTS] = keys[n] ^ constant ^ mixed ^ rotate_left(mixed, 15);
    }
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint16_t round_key = keys[(n & ~3u) | ((n + lane) & 3)], before = left;
        left = right ^ (rotate_left(left, 1) & rotate_left(left, 8)) ^ rotate_left(left, 2)
               ^ round_key;
        right = before;
    }
    return (uint32_t)right << 16 | left;
}

/* Bytes of the two words, taken in turn from their right ends: b's, then a's. */
static uint64_t interleave(uint32_t a, uint32_t b)
{
    uint64_t result = 0;
    for (unsigned n = 0; n < 4; n++)
        result |= (uint64_t)(a >> 8 * n & 0xff) << 16 * n
                  | (uint64_t)(b >> 8 * n & 0xff) << (56 - 16 * n);
    return result;
}

static uint64_t hash(uint64_t a, uint64_t b, uint64_t key)
{
    uint64_t high = interleave((uint32_t)(a >> 32), (uint32_t)b),
             low = interleave((uint32_t)a, (uint32_t)(b >> 32));
    uint64_t first = (uint64_t)encipher((uint32_t)(high >> 32), key, 0) << 32
                     | encipher((uint32_t)high, key, 1);
    uint64_t second = (uint64_t)encipher((uint32_t)(low >> 32), key, 2) << 32
                      | encipher((uint32_t)low, key, 3);
    return first ^ second;
}

static bool asked_for(core *c, bool privileged)
{
    uint64_t aspects = *spr(c, SPR_DEXCR);
    uint32_t here = (uint32_t)(msr(c) & MSR_PR ? aspects : aspects >> 32);
    return here & (privileged ? PRIVILEGED_CHECKS : CHECKS);
}

enum emulated emulate_hash(core *c, uint64_t address, uint32_t word, enum hash_use use,
                           bool privileged)
{
    uint64_t base = RA(word) ? *gpr(c, RA(word)) : 0;
    uint64_t effective = effective_address(c, base + (uint64_t)DISPLACEMENT(word));
    quadword stored;
    if (privileged && msr(c) & MSR_PR) {
        deliver(c, 0x700, address, PROGRAM_PRIVILEGED);
        return INTERRUPTED;
    }
    if (!asked_for(c, privileged))
        return DONE;
    uint64_t key = *spr(c, privileged ? SPR_HASHPKEYR : SPR_HASHKEYR);
    uint64_t value = hash(*gpr(c, RA(word)), *gpr(c, RB(word)), key);
    if (use == HASH_STORE)
        return store_storage(c, address, effective, 8, value) ? DONE : INTERRUPTED;
    if (!load_storage(c, address, effective, 8, &stored))
        return INTERRUPTED;
    if ((uint64_t)stored == value)
        return DONE;
    deliver(c, 0x700, address, PROGRAM_TRAP);
    return INTERRUPTED;
}
