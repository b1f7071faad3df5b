/* Address translation for the core's TLB, radix trees here.  `emu/translation.py` says the same in Python, with
   the meaning spelled out; the tests hold the two together. */
#include <endian.h>

#include "internal.h"

#define PAGE_MASK (~0xfffull)

static bool load_doubleword(core *c, uint64_t real, uint64_t *value)
{
    if (real > c->size - 8)
        return false;
    *value = be64toh(*(uint64_t *)(c->storage + real));
    return true;
}

/* Radix page table entry bits (Power ISA III 6.7.10.2). */
#define RPTE_VALID (1ull << 63)
#define RPTE_LEAF (1ull << 62)
#define RPTE_PRIVILEGED (1ull << 3)
#define RPTE_READ (1ull << 2)
#define RPTE_WRITE (1ull << 1)
#define RPTE_EXECUTE (1ull << 0)
#define RPTE_REAL_PAGE 0x01fffffffffff000ull
#define RPDE_NEXT_BASE 0x0fffffffffffff00ull

uint32_t permission_for(int access)
{
    return access == ACCESS_STORE ? UC_PROT_WRITE : access == ACCESS_FETCH ? UC_PROT_EXEC
                                                                           : UC_PROT_READ;
}

uint32_t key_permissions(core *c, unsigned key)
{
    unsigned shift = 62 - 2 * key;
    uint64_t amr = *spr(c, SPR_AMR) >> shift, iamr = *spr(c, SPR_IAMR) >> shift;
    uint32_t permissions = UC_PROT_ALL;
    if (amr & 1)
        permissions &= ~UC_PROT_READ;
    if (amr & 2)
        permissions &= ~UC_PROT_WRITE;
    if (iamr & 1)
        permissions &= ~UC_PROT_EXEC;
    return permissions;
}

uint32_t mark_used(uint64_t *place, uint64_t entry, int access, uint32_t permissions)
{
    uint64_t marked = entry | PTE_REFERENCE | (access == ACCESS_STORE ? PTE_CHANGE : 0);
    if (marked != entry)
        *place = htobe64(marked);
    /* the first store must come back to set C */
    return marked & PTE_CHANGE ? permissions : permissions & ~UC_PROT_WRITE;
}

/* What a leaf permits in the current privilege state (Power ISA III 6.7.10.3, 6.7.13.3). */
static uint32_t radix_permissions(core *c, uint64_t pte)
{
    uint32_t permissions = 0;
    if (pte & (RPTE_READ | RPTE_WRITE))
        permissions |= UC_PROT_READ;
    if (pte & RPTE_WRITE)
        permissions |= UC_PROT_WRITE;
    if (pte & RPTE_EXECUTE)
        permissions |= UC_PROT_EXEC;
    if (pte & RPTE_PRIVILEGED)
        return msr(c) & MSR_PR ? 0 : permissions;
    if (msr(c) & MSR_PR)
        return permissions;
    /* Key 0 bounds privileged accesses to problem-state pages. */
    return permissions & key_permissions(c, 0);
}

static bool radix_translate(core *c, uint64_t effective, int access, bool update,
                            translation *out, uint32_t *cause)
{
    uint64_t process;
    switch (effective >> 62) {
    case 0: process = *spr(c, SPR_PID); break;
    case 3: process = 0; break;
    default: *cause = CAUSE_SEGMENT; return false;
    }
    *cause = CAUSE_NO_TRANSLATION;
    uint64_t entry;
    if (process * 16 >= c->controls.process_table_size
        || !load_doubleword(c, c->controls.process_table + process * 16, &entry))
        return false;
    unsigned left = ((((entry >> 61) & 3) << 3) | ((entry >> 5) & 7)) + 31;
    unsigned index_bits = entry & 0x1f;
    uint64_t base = entry & RPDE_NEXT_BASE;
    uint64_t offset = effective & ~(3ull << 62);
    if (left < 62 && offset >> left)
        return false;

    uint64_t pte, pte_real;
    for (;;) {
        if (index_bits < 5 || index_bits > 16 || index_bits + 12 > left)
            return false;
        left -= index_bits;
        pte_real = base + ((offset >> left) & ((1ull << index_bits) - 1)) * 8;
        if (!load_doubleword(c, pte_real, &pte) || !(pte & RPTE_VALID))
            return false;
        if (pte & RPTE_LEAF)
            break;
        index_bits = pte & 0x1f;
        base = pte & RPDE_NEXT_BASE;
    }

    uint32_t permissions = radix_permissions(c, pte);
    if (!(permissions & permission_for(access))) {
        *cause = access == ACCESS_FETCH && !(pte & RPTE_EXECUTE) ? CAUSE_NO_EXECUTE
                                                                  : CAUSE_PROTECTION;
        return false;
    }
    if (update)
        permissions = mark_used((uint64_t *)(c->storage + pte_real), pte, access, permissions);
    uint64_t within = (1ull << left) - 1;
    out->real = (pte & RPTE_REAL_PAGE & ~within) | (effective & within);
    out->permissions = permissions;
    return true;
}

bool translate(core *c, uint64_t effective, int access, bool update, translation *out,
               uint32_t *cause)
{
    bool relocate = msr(c) & (access == ACCESS_FETCH ? MSR_IR : MSR_DR);
    if (!relocate) {
        out->real = effective & EFFECTIVE_REAL_MASK;
        /* Stores to a page are cheaper while the TLB does not also let it be executed. */
        out->permissions = access == ACCESS_FETCH ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_WRITE;
        *cause = CAUSE_PROTECTION;
    } else if (!(c->hash_table ? hash_translate : radix_translate)(c, effective, access, update,
                                                                   out, cause)) {
        return false;
    } else {
        *cause = CAUSE_NO_TRANSLATION;
    }
    if (out->real < c->size)
        return true;
    if (access != ACCESS_FETCH && is_device(c, out->real))
        *cause = CAUSE_DEVICE;
    return false;
}

bool on_tlb_miss(uc_engine *uc, uint64_t address, uc_mem_type type, uc_tlb_entry *entry,
                 void *context)
{
    core *c = context;
    translation found = {0};
    int access = type == UC_MEM_FETCH   ? ACCESS_FETCH
                 : type == UC_MEM_WRITE ? ACCESS_STORE
                                        : ACCESS_LOAD;
    (void)uc;
    if (translate(c, address, access, true, &found, &c->fault_cause)) {
        c->counts.tlb_fills++;
        entry->paddr = found.real & PAGE_MASK;
        entry->perms = found.permissions;
        if ((!c->debug.watch_count && !guest_watches(c))
            || debug_guard(c, address, access, entry))
            return true;
    }
    c->fault_pending = true;
    c->fault_real = found.real & PAGE_MASK;
    c->fault_address = address;
    c->fault_access = access;
    return false;
}

bool fetch_instruction(core *c, uint64_t address, uint32_t *word)
{
    translation found;
    uint32_t cause;
    if (!translate(c, address & ~3ull, ACCESS_FETCH, false, &found, &cause)
        || found.real > c->size - 4)
        return false;
    uint32_t raw = *(uint32_t *)(c->storage + found.real);
    *word = msr(c) & MSR_LE ? le32toh(raw) : be32toh(raw);
    return true;
}

int core_translate(core *c, uint64_t effective, int access, uint64_t *real, uint64_t *cause)
{
    translation found;
    uint32_t why = 0;
    guard g;
    bool hit = false;
    if (!sigsetjmp(*guard_enter(&g), 0)) /* reading trees and tables breaks nothing */
        hit = translate(c, effective, access, false, &found, &why);
    guard_leave(&g);
    *real = hit ? found.real : 0;
    *cause = hit ? 0 : why;
    return hit;
}
