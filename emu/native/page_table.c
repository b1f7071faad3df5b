/* Calls that change the hashed page table, answered without leaving the core: a boot makes 90,000.
   The hypervisor says which hypercalls they are, and what they mean stands in its handlers; here is
   only what succeeds.  A call that would be refused, or that asks for more, leaves the core with
   nothing changed. */
#include <endian.h>

#include "internal.h"

#define FLAG_EXACT (1ull << 39)
#define FLAG_R_XLATE (1ull << 38)
#define FLAG_READ_4 (1ull << 37)
#define FLAG_AVPN (1ull << 31)
#define FLAG_ANDCOND (1ull << 30)
#define FLAG_KEY_HIGH 0x3000ull
#define FLAG_PP0 0x100ull
#define FLAGS_AS_IN_PTE 0xe07ull /* the rest of the key, N, two bits of PP */

#define PTE_COMPARED (~0x7full)
#define PTE_LOCKS 0x60ull
#define PTE_LOW_RESERVED (1ull << 62)
#define PTE_PP0 (1ull << 63)
#define PTE_KEY_HIGH (3ull << 60)
#define PTE_WIMG 0x78ull
#define WIMG_STORAGE 0x10ull

/* Translation specifiers of a removal in bulk: byte 0 controls. */
#define SPECIFIERS 4
#define SPECIFIER_TYPE(word) ((word) >> 62)
#define SPECIFIER_REQUEST 1
#define SPECIFIER_END 3
#define SPECIFIER_AVPN (2ull << 56)
#define SPECIFIER_ANDCOND (1ull << 56)
#define SPECIFIER_PTEX 0x00ffffffffffffffull
#define SPECIFIER_REMOVED (8ull << 60)
#define SPECIFIER_NOT_FOUND (9ull << 60)

static uint64_t *pte_at(core *c, uint64_t ptex)
{
    return ptex / PTES_A_GROUP <= c->hash_mask ? c->hash_table + 2 * ptex : NULL;
}

static void store_pte(uint64_t *pte, uint64_t high, uint64_t low)
{
    pte[0] = htobe64(high);
    pte[1] = htobe64(low);
}

static bool is_meant(uint64_t high, uint64_t flags, uint64_t avpn)
{
    return high & PTE_VALID && (!(flags & FLAG_AVPN) || (high & PTE_COMPARED) == avpn)
           && (!(flags & FLAG_ANDCOND) || !(high & avpn));
}

/* The entry at `ptex` was this one. */
static void flush_page(core *c, uint64_t ptex, uint64_t high, uint64_t low)
{
    *window64(c->env, ENV_RESERVE_ADDR) = ~0ull;
    hash_flush_page(c, ptex, high, low);
}

static bool enter(core *c)
{
    uint64_t flags = *gpr(c, 4), ptex = *gpr(c, 5), high = *gpr(c, 6), low = *gpr(c, 7);
    page_size size = pte_page_size(high, low);
    uint64_t bytes = 1ull << size.actual, page = low & PTE_REAL_PAGE & ~(bytes - 1);
    if (flags & ~FLAG_EXACT || !pte_at(c, ptex) || !size.base || bytes > c->size
        || page > c->size - bytes || (low & PTE_WIMG) != WIMG_STORAGE)
        return false;
    int slots = 1;
    if (!flags) {
        ptex &= ~(uint64_t)(PTES_A_GROUP - 1);
        slots = PTES_A_GROUP;
    }
    for (uint64_t *pte = pte_at(c, ptex); slots--; pte += 2, ptex++)
        if (!(be64toh(pte[0]) & PTE_VALID)) {
            store_pte(pte, (high & ~PTE_LOCKS) | PTE_VALID, low & ~PTE_LOW_RESERVED);
            *gpr(c, 4) = ptex;
            return true;
        }
    return false;
}

static bool remove_one(core *c)
{
    uint64_t flags = *gpr(c, 4), *pte = pte_at(c, *gpr(c, 5));
    if (flags & ~(FLAG_AVPN | FLAG_ANDCOND) || !pte
        || !is_meant(be64toh(pte[0]), flags, *gpr(c, 6)))
        return false;
    uint64_t ptex = *gpr(c, 5), high = be64toh(pte[0]), low = be64toh(pte[1]);
    *gpr(c, 4) = high;
    *gpr(c, 5) = low;
    store_pte(pte, 0, 0);
    flush_page(c, ptex, high, low);
    return true;
}

static bool protect(core *c)
{
    uint64_t flags = *gpr(c, 4), *pte = pte_at(c, *gpr(c, 5));
    if (flags & ~(FLAG_AVPN | FLAG_KEY_HIGH | FLAG_PP0 | FLAGS_AS_IN_PTE) || !pte
        || !is_meant(be64toh(pte[0]), flags, *gpr(c, 6)))
        return false;
    uint64_t low = be64toh(pte[1]);
    low &= ~(PTE_PP0 | PTE_KEY_HIGH | FLAGS_AS_IN_PTE | PTE_REFERENCE);
    low |= (flags & FLAGS_AS_IN_PTE) | (flags & FLAG_KEY_HIGH) << 48 | (flags & FLAG_PP0) << 55;
    pte[1] = htobe64(low);
    flush_page(c, *gpr(c, 5), be64toh(pte[0]), low);
    return true;
}

static bool read_ptes(core *c)
{
    uint64_t flags = *gpr(c, 4), ptex = *gpr(c, 5), *pte = pte_at(c, ptex);
    int words = flags & FLAG_READ_4 ? 8 : 2;
    if (flags & ~(FLAG_READ_4 | FLAG_R_XLATE) || !pte)
        return false;
    if (flags & FLAG_READ_4)
        pte = pte_at(c, ptex & ~3ull);
    for (int i = 0; i < words; i++)
        *gpr(c, 4 + i) = be64toh(pte[i]);
    return true;
}

static bool remove_in_bulk(core *c)
{
    int count = 0;
    for (; count < SPECIFIERS; count++) {
        uint64_t word = *gpr(c, 4 + 2 * count);
        if (SPECIFIER_TYPE(word) == SPECIFIER_END)
            break;
        uint64_t both = SPECIFIER_AVPN | SPECIFIER_ANDCOND;
        if (SPECIFIER_TYPE(word) != SPECIFIER_REQUEST || (word & both) == both
            || !pte_at(c, word & SPECIFIER_PTEX))
            return false;
    }
    for (int i = 0; i < count; i++) {
        uint64_t word = *gpr(c, 4 + 2 * i), avpn = *gpr(c, 5 + 2 * i);
        uint64_t *pte = pte_at(c, word & SPECIFIER_PTEX), high = be64toh(pte[0]);
        uint64_t kept = word & (SPECIFIER_AVPN | SPECIFIER_ANDCOND | SPECIFIER_PTEX);
        if (!(high & PTE_VALID) || (word & SPECIFIER_AVPN && (high & PTE_COMPARED) != avpn)
            || (word & SPECIFIER_ANDCOND && high & PTE_COMPARED & avpn)) {
            *gpr(c, 4 + 2 * i) = SPECIFIER_NOT_FOUND | kept;
            continue;
        }
        uint64_t low = be64toh(pte[1]), marks = low & (PTE_REFERENCE | PTE_CHANGE);
        *gpr(c, 4 + 2 * i) = SPECIFIER_REMOVED | marks << 51 | kept;
        store_pte(pte, 0, 0);
        flush_page(c, word & SPECIFIER_PTEX, high, low);
    }
    return true;
}

bool page_table_call(core *c, int call)
{
    static bool (*const operations[])(core *) = {
        [PAGE_TABLE_ENTER] = enter,
        [PAGE_TABLE_REMOVE] = remove_one,
        [PAGE_TABLE_PROTECT] = protect,
        [PAGE_TABLE_READ] = read_ptes,
        [PAGE_TABLE_REMOVE_BULK] = remove_in_bulk,
    };
    return c->hash_table && operations[call](c);
}
