/* Hashed page table translation (Power ISA III 6.7.3 to 6.7.9): segments come from the SLB, pages
   from a table that the hypervisor keeps outside the partition's storage.
   `emu/hash_translation.py` says the same in Python, with the meaning spelled out. */
#include <endian.h>

#include "internal.h"
#include "tlb.h"

/* LPCR: with radix the guest keeps tables in its own storage and may use tlbie. */
#define LPCR_UPRT (1ull << 22)
#define LPCR_HR (1ull << 20)
#define LPCR_GTSE (1ull << 10)
#define LPCR_RADIX (LPCR_UPRT | LPCR_HR | LPCR_GTSE)

/* SLB entry: both doublewords as slbmte takes them, and Unicorn's page-size pointer. */
#define SLB_ENTRY_WORDS 3
#define ESID_VALID_SHIFT 27
#define ESID_VALID (1ull << ESID_VALID_SHIFT)
#define VSID_SHIFT 12
#define VSID_SHIFT_1T 24
#define VSID_KS (1ull << 11)
#define VSID_KP (1ull << 10)
#define VSID_NO_EXECUTE (1ull << 9)
#define VSID_PAGE_SIZE 0x130ull /* L || LP */

#define SEGMENT_SHIFT 28
#define SEGMENT_SHIFT_1T 40
#define SEGMENT_SIZE_SHIFT 62 /* B, in both the SLB and the page table */

static unsigned base_page_shift(uint64_t vsid)
{
    switch (vsid & VSID_PAGE_SIZE) {
    case 0x000: return 12;
    case 0x110: return 16;
    case 0x100: return 24;
    default: return 0;
    }
}

page_size pte_page_size(uint64_t high, uint64_t low)
{
    static const struct {
        uint64_t mask, value;
        page_size size;
    } large[] = {
        {0x00f000, 0x007000, {12, 16}}, {0xfff000, 0x038000, {12, 24}},
        {0x00f000, 0x001000, {16, 16}}, {0xfff000, 0x008000, {16, 24}},
        {0xfff000, 0x000000, {24, 24}},
    };
    if (!(high & PTE_LARGE))
        return (page_size){12, 12};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        if ((low & large[i].mask) == large[i].value)
            return large[i].size;
    return (page_size){0, 0};
}

static const uint64_t *find_segment(core *c, uint64_t effective)
{
    const uint64_t *entry = window64(c->env, ENV_SLB);
    for (int i = 0; i < SLB_SLOTS; i++, entry += SLB_ENTRY_WORDS) {
        unsigned shift = entry[1] >> SEGMENT_SIZE_SHIFT ? SEGMENT_SHIFT_1T : SEGMENT_SHIFT;
        if (entry[0] & ESID_VALID && (entry[0] ^ effective) >> shift == 0)
            return entry;
    }
    return NULL;
}

/* What the page protection bits permit under the segment's key (Power ISA III 6.7.13.2). */
static uint32_t protection(core *c, uint64_t vsid, uint64_t low)
{
    bool key = vsid & (msr(c) & MSR_PR ? VSID_KP : VSID_KS);
    const uint32_t none = 0, read = UC_PROT_READ | UC_PROT_EXEC, all = UC_PROT_ALL;
    switch ((low >> 63) << 2 | (low & PTE_PP)) {
    case 0: return key ? none : all;
    case 1: return key ? read : all;
    case 2: return all;
    case 3: return read;
    case 6: return key ? none : read;
    default: return none;
    }
}

/* What AMR and IAMR permit for the page's class key (Power ISA III 6.7.13.1). */
static uint32_t key_protection(core *c, uint64_t low)
{
    return key_permissions(c, (low >> 57 & 0x18) | (low >> 9 & 0x7));
}

/* The entry that maps the page, in one of its two groups; NULL: none does. */
static uint64_t *find_pte(core *c, uint64_t vsid, uint64_t effective, page_size *size)
{
    bool large = vsid >> SEGMENT_SIZE_SHIFT;
    unsigned base = base_page_shift(vsid);
    if (!base)
        return NULL;
    uint64_t within = effective & ((1ull << (large ? SEGMENT_SHIFT_1T : SEGMENT_SHIFT)) - 1);
    unsigned shift = large ? VSID_SHIFT_1T : VSID_SHIFT;
    uint64_t number = (vsid & ~(3ull << SEGMENT_SIZE_SHIFT)) >> shift;
    uint64_t hash = number ^ (large ? number << 25 : 0) ^ within >> base;
    /* B, VSID and page of the virtual address, as the entry has them; smaller than 8 MiB the page
       is not told apart by these bits, larger some of them lie within it. */
    uint64_t ignored = base > 23 ? (1ull << (base - 16)) - 1 : 0x7f;
    uint64_t wanted = (vsid & ~0ull << shift) | within >> 16;

    for (uint64_t secondary = 0; secondary <= PTE_SECONDARY; secondary += PTE_SECONDARY) {
        uint64_t group = (secondary ? ~hash : hash) & c->hash_mask;
        uint64_t *pte = c->hash_table + group * PTES_A_GROUP * 2;
        for (int i = 0; i < PTES_A_GROUP; i++, pte += 2) {
            uint64_t high = be64toh(pte[0]);
            if ((high ^ wanted) & ~ignored || !(high & PTE_VALID)
                || (high & PTE_SECONDARY) != secondary)
                continue;
            *size = pte_page_size(high, be64toh(pte[1]));
            if (size->base == base)
                return pte;
        }
    }
    return NULL;
}

bool hash_translate(core *c, uint64_t effective, int access, bool update, translation *out,
                    uint32_t *cause)
{
    const uint64_t *segment = find_segment(c, effective);
    if (!segment) {
        *cause = CAUSE_SEGMENT;
        return false;
    }
    uint64_t vsid = segment[1];
    page_size size;
    uint64_t *pte = find_pte(c, vsid, effective, &size);
    if (!pte) {
        *cause = CAUSE_NO_TRANSLATION;
        return false;
    }
    uint64_t low = be64toh(pte[1]);
    uint32_t protected = protection(c, vsid, low), keyed = key_protection(c, low);
    bool executable = !(vsid & VSID_NO_EXECUTE) && !(low & (PTE_NO_EXECUTE | PTE_GUARDED));
    uint32_t permissions = protected & keyed & (executable ? ~0u : ~(uint32_t)UC_PROT_EXEC);
    uint32_t needed = permission_for(access);
    if (!(permissions & needed)) {
        *cause = access == ACCESS_FETCH && !executable ? CAUSE_NO_EXECUTE
                 : protected & needed                  ? 0
                                                       : CAUSE_PROTECTION;
        if (!(keyed & needed))
            *cause |= CAUSE_KEY;
        return false;
    }
    if (update)
        permissions = mark_used(&pte[1], low, access, permissions);
    uint64_t within = (1ull << size.actual) - 1;
    out->real = (low & PTE_REAL_PAGE & ~within) | (effective & within);
    out->permissions = permissions;
    return true;
}

void hash_flush_page(core *c, uint64_t ptex, uint64_t high, uint64_t low)
{
    const unsigned largest = 16, group_bits = 11; /* of the hash that AVPN leaves out */
    page_size size = pte_page_size(high, low);
    if (!size.base || size.actual > largest || c->hash_mask >> group_bits == 0) {
        tlb_flush(c);
        return;
    }
    bool large = high >> SEGMENT_SIZE_SHIFT;
    unsigned shift = large ? VSID_SHIFT_1T : VSID_SHIFT;
    unsigned segment_shift = large ? SEGMENT_SHIFT_1T : SEGMENT_SHIFT;
    uint64_t group = high & PTE_SECONDARY ? ~(ptex / PTES_A_GROUP) : ptex / PTES_A_GROUP;
    uint64_t number = (high & ~(3ull << SEGMENT_SIZE_SHIFT)) >> shift;
    uint64_t within = (high & ((1ull << shift) - 1) & ~0x7full) << 16
                      | ((group ^ number) << size.base & 0x7fffff);
    const uint64_t *entry = window64(c->env, ENV_SLB);
    for (int i = 0; i < SLB_SLOTS; i++, entry += SLB_ENTRY_WORDS) {
        if (!(entry[0] & ESID_VALID) || (entry[1] ^ high) >> shift)
            continue;
        uint64_t page = (entry[0] & ~0ull << segment_shift) | within;
        page &= ~0ull << size.actual;
        for (uint64_t end = page + (1ull << size.actual); page != end; page += 4096)
            tlb_flush_page(c, page);
    }
}

/* ---- changes of the SLB ------------------------------------------------------------------- */

/* At all times the TLB has translations by segments that the SLB has, and by no others: removing
   an entry of the page table flushes pages of those. */

static void flush_segment(core *c, uint64_t effective)
{
    if (effective >> 62 == 3)
        tlb_flush(c);
    else
        tlb_flush_low(c);
}

void slb_replaced(uint8_t *env, uint64_t rb, uint64_t rs)
{
    core *c = running_core;
    uint64_t slot = rb & 0xfff, *entry = window64(env, ENV_SLB + 8 * SLB_ENTRY_WORDS * slot);
    if (c && c->env == env && slot < SLB_SLOTS && entry[0] & ESID_VALID
        && ((entry[0] ^ rb) >> ESID_VALID_SHIFT || entry[1] != rs))
        flush_segment(c, entry[0]);
}

static void flushed(core *c) { *window32(c->env, ENV_FLUSH_NEEDED) = 0; }

void slb_invalidated_one(uint8_t *env, uint64_t effective)
{
    core *c = running_core;
    if (!c || c->env != env)
        return;
    flush_segment(c, effective);
    flushed(c);
}

void slb_invalidated(uint8_t *env, uint32_t hint)
{
    core *c = running_core;
    (void)hint;
    if (!c || c->env != env)
        return;
    tlb_flush(c);
    flushed(c);
}

void select_translation(core *c)
{
    if (c->hash_table)
        *spr(c, SPR_LPCR) &= ~LPCR_RADIX;
    else
        *spr(c, SPR_LPCR) |= LPCR_RADIX;
}

void core_set_hash_table(core *c, uint8_t *table, uint64_t size)
{
    bool other = !c->hash_table != !table;
    c->hash_table = (uint64_t *)table;
    c->hash_mask = size / (PTES_A_GROUP * PTE_BYTES) - 1;
    select_translation(c);
    core_flush_translations(c);
    if (other) /* which instructions are legal was asked when they were translated */
        c->api.ctl(c->uc, CTL_FLUSH_CODE);
}
