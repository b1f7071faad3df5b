/* Fixed-point instructions, and those of storage, with primary opcode 31 (Power ISA I 3.3, 4.6,
   7.6; II 4). */
#include "emulate.h"

#define CACHE_LINE 128
#define CR0_SO_SHIFT 31

/* ---- decimal assists ---------------------------------------------------------------------- */

#define BIT(value, n) ((value) >> (n) & 1u)

/* Densely packed decimal, ten bits, and three digits of four (I B.1, B.2). */
unsigned digits_of_declet(unsigned declet)
{
    unsigned p = BIT(declet, 9), q = BIT(declet, 8), r = BIT(declet, 7), s = BIT(declet, 6),
             t = BIT(declet, 5), u = BIT(declet, 4), v = BIT(declet, 3), w = BIT(declet, 2),
             x = BIT(declet, 1), y = BIT(declet, 0);
    unsigned first, second, third;
    if (!v)
        first = p << 2 | q << 1, second = s << 2 | t << 1, third = w << 2 | x << 1;
    else if (!w && !x)
        first = p << 2 | q << 1, second = s << 2 | t << 1, third = 8;
    else if (!w)
        first = p << 2 | q << 1, second = 8, third = s << 2 | t << 1;
    else if (!x)
        first = 8, second = s << 2 | t << 1, third = p << 2 | q << 1;
    else if (s && t)
        first = second = third = 8;
    else if (s)
        first = p << 2 | q << 1, second = third = 8;
    else if (t)
        first = third = 8, second = p << 2 | q << 1;
    else
        first = second = 8, third = p << 2 | q << 1;
    return (first | r) << 8 | (second | u) << 4 | third | y;
}

unsigned declet_of_digits(unsigned digits)
{
    bool a = BIT(digits, 11), b = BIT(digits, 10), c = BIT(digits, 9), e = BIT(digits, 7),
         f = BIT(digits, 6), g = BIT(digits, 5), i = BIT(digits, 3), j = BIT(digits, 2),
         k = BIT(digits, 1);
    bool p = (f & a & i & !e) | (j & a & !i) | (b & !a);
    bool q = (g & a & i & !e) | (k & a & !i) | (c & !a);
    bool s = (j & !a & e & !i) | (f & !i & !e) | (f & !a & !e) | (e & i);
    bool t = (k & !a & e & !i) | (g & !i & !e) | (g & !a & !e) | (a & i);
    bool w = (!e & j & !i) | (e & i) | a;
    bool x = (!a & k & !i) | (a & i) | e;
    return p << 9 | q << 8 | BIT(digits, 8) << 7 | s << 6 | t << 5 | BIT(digits, 4) << 4
           | (a | e | i) << 3 | w << 2 | x << 1 | BIT(digits, 0);
}

static uint64_t decimal_to_packed(uint64_t value)
{
    uint64_t result = 0;
    for (unsigned half = 0; half < 64; half += 32)
        result |= (uint64_t)(digits_of_declet(value >> half & 0x3ff)
                             | digits_of_declet(value >> (half + 10) & 0x3ff) << 12)
                  << half;
    return result;
}

static uint64_t packed_to_decimal(uint64_t value)
{
    uint64_t result = 0;
    for (unsigned half = 0; half < 64; half += 32)
        result |= (uint64_t)(declet_of_digits(value >> half & 0xfff)
                             | declet_of_digits(value >> (half + 12) & 0xfff) << 10)
                  << half;
    return result;
}

/* Sixes under the digits that the addition carries nothing out of. */
static uint64_t add_and_generate_sixes(uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    bool carry = false;
    for (unsigned digit = 0; digit < 64; digit += 4) {
        carry = (a >> digit & 0xf) + (b >> digit & 0xf) + carry > 0xf;
        result |= (carry ? 0ull : 6ull) << digit;
    }
    return result;
}

/* ---- random numbers ----------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): a run that repeats has the same numbers. */
static uint64_t next_random(core *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint64_t random_number(core *c, unsigned length)
{
    switch (length) {
    case 0: return next_random(c) >> 32;
    case 1:
    case 2: return next_random(c);
    default: return ~0ull; /* an error */
    }
}

/* ---- copy and paste ----------------------------------------------------------------------- */

/* There is no accelerator: what is pasted anywhere is not accepted. */
static enum emulated copy_or_paste(core *c, uint64_t address, uint32_t word, bool paste)
{
    uint64_t effective = indexed_address(c, word);
    unsigned __int128 value;
    if (effective % CACHE_LINE) {
        *spr(c, SPR_DAR) = effective;
        deliver(c, 0x600, address, 0);
        return INTERRUPTED;
    }
    if (!load_storage(c, address, effective, 16, &value))
        return INTERRUPTED;
    if (paste)
        *window32(c->env, ENV_CRF) = core_xer(c) >> CR0_SO_SHIFT & 1;
    return DONE;
}

/* ---- Power ISA v3.1 ----------------------------------------------------------------------- */

uint64_t deposit_bits(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (; mask; mask &= mask - 1, value >>= 1)
        if (value & 1)
            result |= mask & -mask;
    return result;
}

uint64_t extract_bits(uint64_t value, uint64_t mask)
{
    uint64_t result = 0;
    for (unsigned n = 0; mask; mask &= mask - 1, n++)
        result |= (value & mask & -mask ? 1ull : 0ull) << n;
    return result;
}

/* Bits under ones of the mask go to the right, the others to the left. */
uint64_t centrifuge(uint64_t value, uint64_t mask)
{
    unsigned ones = (unsigned)__builtin_popcountll(mask);
    return extract_bits(value, mask) | (ones < 64 ? extract_bits(value, ~mask) << ones : 0);
}

uint64_t zeros_under_mask(uint64_t value, uint64_t mask, bool from_left)
{
    value = extract_bits(value, mask);
    unsigned width = (unsigned)__builtin_popcountll(mask);
    if (!value)
        return width;
    return from_left ? width - 64 + (unsigned)__builtin_clzll(value)
                     : (unsigned)__builtin_ctzll(value);
}

static uint64_t reverse_bytes(uint64_t value, unsigned size)
{
    uint64_t result = 0;
    for (unsigned n = 0; n < 8; n++)
        result |= (value >> 8 * n & 0xff) << 8 * (n / size * size + size - 1 - n % size);
    return result;
}

static enum emulated set_on_bit(core *c, uint32_t word, uint64_t if_set, uint64_t if_not)
{
    unsigned bit = RA(word);
    bool set = *window32(c->env, ENV_CRF + 4 * (bit / 4)) >> (3 - bit % 4) & 1;
    *gpr(c, RT(word)) = set ? if_set : if_not;
    return DONE;
}

/* The element that stands to the right; the other ones are 0. */
static enum emulated load_right(core *c, uint64_t address, uint32_t word, unsigned length)
{
    unsigned __int128 value;
    if (!facility_on(c, address, MSR_VSX)
        || !load_storage(c, address, indexed_address(c, word), length, &value))
        return INTERRUPTED;
    vsr_of(c->env, VSR_T(word))->q = value;
    return DONE;
}

static enum emulated store_right(core *c, uint64_t address, uint32_t word, unsigned length)
{
    if (!facility_on(c, address, MSR_VSX)
        || !store_storage(c, address, indexed_address(c, word), length,
                          vsr_of(c->env, VSR_T(word))->q))
        return INTERRUPTED;
    return DONE;
}

enum emulated load_pair(core *c, uint64_t address, unsigned target, uint64_t effective)
{
    unsigned __int128 first, second;
    bool little = msr(c) & MSR_LE;
    if (!facility_on(c, address, MSR_VSX) || !load_storage(c, address, effective, 16, &first)
        || !load_storage(c, address, effective_address(c, effective + 16), 16, &second))
        return INTERRUPTED;
    vsr_of(c->env, target + little)->q = first;
    vsr_of(c->env, target + !little)->q = second;
    return DONE;
}

enum emulated store_pair(core *c, uint64_t address, unsigned from, uint64_t effective)
{
    bool little = msr(c) & MSR_LE;
    uint64_t next = effective_address(c, effective + 16);
    /* What the second half would be refused for is found out before the first one is stored. */
    if (!facility_on(c, address, MSR_VSX) || !storable(c, address, next, 16)
        || !store_storage(c, address, effective, 16, vsr_of(c->env, from + little)->q)
        || !store_storage(c, address, next, 16, vsr_of(c->env, from + !little)->q))
        return INTERRUPTED;
    return DONE;
}

static enum emulated since_3_1(core *c, uint64_t address, uint32_t word)
{
    uint64_t *target = gpr(c, RA(word)), s = *gpr(c, RT(word)), b = *gpr(c, RB(word));
    switch (XO_X(word)) {
    case 13: case 45: case 77: case 109:
        return load_right(c, address, word, 1u << (XO_X(word) - 13) / 32);
    case 141: case 173: case 205: case 237:
        return store_right(c, address, word, 1u << (XO_X(word) - 141) / 32);
    case 333: return load_pair(c, address, VSR_PAIR(word), indexed_address(c, word));
    case 461: return store_pair(c, address, VSR_PAIR(word), indexed_address(c, word));
    case 177: return emulate_accumulator(c, address, word);
    case 384: return set_on_bit(c, word, 1, 0);
    case 416: return set_on_bit(c, word, 0, 1);
    case 448: return set_on_bit(c, word, ~0ull, 0);
    case 480: return set_on_bit(c, word, 0, ~0ull);
    case 59: *target = zeros_under_mask(s, b, true); break;
    case 571: *target = zeros_under_mask(s, b, false); break;
    case 156: *target = deposit_bits(s, b); break;
    case 188: *target = extract_bits(s, b); break;
    case 220: *target = centrifuge(s, b); break;
    case 219: *target = reverse_bytes(s, 2); break;
    case 155: *target = reverse_bytes(s, 4); break;
    case 187: *target = reverse_bytes(s, 8); break;
    default: return NOT_THERE;
    }
    return DONE;
}

/* ---- which one ---------------------------------------------------------------------------- */

static enum emulated since_3_0(core *c, uint64_t address, uint32_t word)
{
    switch (XO_X(word)) {
    case 755: *gpr(c, RT(word)) = random_number(c, word >> 16 & 3); return DONE;
    case 774: return copy_or_paste(c, address, word, false);
    case 902: return copy_or_paste(c, address, word, true);
    case 838: return DONE; /* cpabort: nothing was copied that lasts */
    case 364: {
        unsigned __int128 value;
        unsigned target = VSR_T(word);
        if (!facility_on(c, address, target < 32 ? MSR_VSX : MSR_VEC)
            || !load_storage(c, address, indexed_address(c, word), 4, &value))
            return INTERRUPTED;
        for (int n = 0; n < 4; n++)
            WORD(vsr_of(c->env, target), n) = (uint32_t)value;
        return DONE;
    }
    default: return c->isa >= ISA_3_1 ? since_3_1(c, address, word) : NOT_THERE;
    }
}

static enum emulated hashed(core *c, uint64_t address, uint32_t word)
{
    switch (XO_X(word)) {
    case 658: return emulate_hash(c, address, word, HASH_STORE, true);
    case 690: return emulate_hash(c, address, word, HASH_CHECK, true);
    case 722: return emulate_hash(c, address, word, HASH_STORE, false);
    case 754: return emulate_hash(c, address, word, HASH_CHECK, false);
    default: return DONE;
    }
}

enum emulated emulate_fixed(core *c, uint64_t address, uint32_t word)
{
    switch (XO_X(word)) {
    case 282: *gpr(c, RA(word)) = decimal_to_packed(*gpr(c, RT(word))); return DONE;
    case 314: *gpr(c, RA(word)) = packed_to_decimal(*gpr(c, RT(word))); return DONE;
    case 74:
    case 74 + 512: /* where OE would stand */
        *gpr(c, RT(word)) = add_and_generate_sixes(*gpr(c, RA(word)), *gpr(c, RB(word)));
        return DONE;
    case 530: case 562: case 594: case 626: /* reserved no-ops; in ISA 3.1 half of them are more */
    case 658: case 690: case 722: case 754:
        return c->isa < ISA_2_07 ? NOT_THERE : c->isa < ISA_3_1 ? DONE : hashed(c, address, word);
    case 22: return c->isa >= ISA_2_07 ? DONE : NOT_THERE; /* icbt, a hint */
    default: return c->isa >= ISA_3_0 ? since_3_0(c, address, word) : NOT_THERE;
    }
}
