#define _GNU_SOURCE
#include "interpose.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"
#include "internal.h"
#include "tlb.h"

#define PAGE 4096ull

/* The core that runs on this thread; null outside core_run. */
__thread core *running_core;

static struct {
    void (*set_dirty)(void *cpu, uint64_t address);
    void (*reset_dirty_by_address)(void *cpu, uint64_t address, uint64_t length);
    bool (*fill)(void *cpu, uint64_t address, int size, int access, int mode, bool probe,
                 uintptr_t from);
    void (*store_to_code)(void *generator, void *pages, uint64_t address, int length,
                          uintptr_t from);
    void (*drop_all_code)(void *cpu);
    void *(*find_known_block)(void *cpu, uint64_t address, uint64_t base, uint32_t flags,
                              uint32_t properties);
    uint64_t (*load_purr)(void *env);
    uint64_t (*load_vtb)(void *env);
    void (*flush)(void *cpu);
    void (*flush_after_tlbie)(void *cpu);
    void (*flush_modes)(void *cpu, uint16_t modes);
    void (*flush_page)(void *cpu, uint64_t address);
} original;

static core *core_of(void *cpu)
{
    core *c = running_core;
    return c && *(uint8_t **)((uint8_t *)cpu + CPU_ENV_PTR) == c->env ? c : NULL;
}

/* ---- stopping --------------------------------------------------------------------------- */

_Noreturn void leave_translated_code(core *c)
{
    c->left = true;
    c->api.emu_stop(c->uc);
    generator.check_exit(c->uc, 0); /* jumps back into uc_emu_start */
    abort();
}

/* ---- translated code and stores --------------------------------------------------------- */

/* What holds at all times: while code_pages[p] is not 0, no TLB entry lets stores into page p
   through unseen; while it is 0, no translated code comes from page p.  Its value counts the
   stores seen: a page that is stored to again and again is no code any more. */
#define PATIENCE 100

static bool page_of(core *c, uint64_t effective, int access, uint64_t *page)
{
    translation found;
    uint32_t cause;
    if (!translate(c, effective, access, false, &found, &cause))
        return false;
    *page = found.real / PAGE;
    return true;
}

/* A block was translated from `length` bytes at `address`. */
static void reset_dirty_by_address(void *cpu, uint64_t address, uint64_t length)
{
    core *c = core_of(cpu);
    if (!c) {
        original.reset_dirty_by_address(cpu, address, length);
        return;
    }
    for (uint64_t at = address & ~(PAGE - 1); at - address + PAGE < length + PAGE; at += PAGE) {
        uint64_t page;
        if (page_of(c, at, ACCESS_FETCH, &page) && !c->code_pages[page]) {
            c->code_pages[page] = 1;
            tlb_watch_stores(c, page);
        }
    }
}

/* A store went to `page`.  Whether it must go on being watched. */
bool holds_code(core *c, uint64_t page)
{
    if (page >= c->size / PAGE || !c->code_pages[page])
        return false;
    if (++c->code_pages[page] < PATIENCE)
        return true;
    drop_code(c, page * PAGE, (page + 1) * PAGE);
    c->code_pages[page] = 0;
    return false;
}

/* A store went to `address`, and code it overwrote is gone. */
static void set_dirty(void *cpu, uint64_t address)
{
    core *c = core_of(cpu);
    if (c)
        tlb_stored(c, address);
    else
        original.set_dirty(cpu, address);
}

/* ---- the TLB, and what is known of translated code ---------------------------------------- */

static void note_block(core *c, uintptr_t from)
{
    uint8_t *block = from ? generator.find_block(c->generator, from) : NULL;
    if (block)
        c->block_end = *window64(block, BLOCK_ADDRESS) + *window16(block, BLOCK_SIZE);
}

/* Unicorn would look up the state of the guest's registers first, which few misses need. */
static bool fill(void *cpu, uint64_t address, int size, int access, int mode, bool probe,
                 uintptr_t from)
{
    core *c = core_of(cpu);
    uc_tlb_entry entry;
    uint64_t page = address & ~(PAGE - 1);
    if (c && on_tlb_miss(c->uc, page, UC_MEM_READ + access, &entry, c)
        && entry.perms & (UC_PROT_READ << access)) {
        tlb_enter(c, mode, page, &entry);
        return true;
    }
    if (c)
        note_block(c, from);
    return original.fill(cpu, address, size, access, mode, probe, from);
}

/* Unicorn asks itself first, and remembers what this finds. */
static void *find_known_block(void *cpu, uint64_t address, uint64_t base, uint32_t flags,
                              uint32_t properties)
{
    core *c = core_of(cpu);
    if (c)
        c->unicorn_jumped = true;
    return original.find_known_block(cpu, address, base, flags, properties);
}

static void flush(void *cpu)
{
    core *c = core_of(cpu);
    if (c)
        tlb_flush(c);
    else
        original.flush(cpu);
}

/* At the ptesync after tlbie, which has flushed what it names. */
static void flush_after_tlbie(void *cpu)
{
    if (!core_of(cpu))
        original.flush_after_tlbie(cpu);
}

static void flush_modes(void *cpu, uint16_t modes)
{
    core *c = core_of(cpu);
    if (c)
        tlb_flush(c);
    else
        original.flush_modes(cpu, modes);
}

static void flush_page(void *cpu, uint64_t address)
{
    core *c = core_of(cpu);
    if (c)
        tlb_flush_page(c, address & ~(PAGE - 1));
    else
        original.flush_page(cpu, address);
}

static uint64_t dropped_blocks(core *c)
{
    return *window64(c->generator, GENERATOR_DROPPED);
}

static void store_to_code(void *uc, void *pages, uint64_t address, int length, uintptr_t from)
{
    core *c = running_core;
    uint64_t dropped = c ? dropped_blocks(c) : 0;
    original.store_to_code(uc, pages, address, length, from);
    if (c && dropped_blocks(c) != dropped)
        code_dropped(c);
}

static void drop_all_code(void *cpu)
{
    if (running_core)
        forget_code(running_core);
    original.drop_all_code(cpu);
}

void drop_code(core *c, uint64_t start, uint64_t end)
{
    uint64_t dropped = dropped_blocks(c);
    c->api.invalidate_code(c->uc, start, end);
    if (dropped_blocks(c) != dropped)
        code_dropped(c);
}

bool interpose_engine(uint8_t *cpu)
{
    void **filler = (void **)(*(uint8_t **)(cpu + CPU_CLASS) + CLASS_TLB_FILL);
    if (*filler != (void *)original.fill)
        return false;
    *filler = (void *)fill;
    return true;
}

/* ---- time ------------------------------------------------------------------------------- */

static uint64_t load_purr(void *env)
{
    core *c = running_core;
    return c && c->env == env ? core_purr(c) : original.load_purr(env);
}

/* The time base is read this way (own_the_clock). */
static uint64_t load_vtb(void *env)
{
    core *c = running_core;
    return c && c->env == env ? time_read(c) : original.load_vtb(env);
}

/* ---- replacing -------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#elif defined(__aarch64__)
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#else
#error "pyphyp knows the jump slots of x86-64 and AArch64 hosts only"
#endif

static void **find_slot(const struct link_map *map, const char *name)
{
    const ElfW(Rela) *relocations = NULL;
    const ElfW(Sym) *symbols = NULL;
    const char *strings = NULL;
    size_t size = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_JMPREL: relocations = (const void *)entry->d_un.d_ptr; break;
        case DT_PLTRELSZ: size = entry->d_un.d_val; break;
        case DT_SYMTAB: symbols = (const void *)entry->d_un.d_ptr; break;
        case DT_STRTAB: strings = (const void *)entry->d_un.d_ptr; break;
        }
    }
    if (!relocations || !symbols || !strings)
        return NULL;
    for (size_t i = 0; i < size / sizeof *relocations; i++) {
        const ElfW(Rela) *relocation = &relocations[i];
        const ElfW(Sym) *symbol = &symbols[ELF64_R_SYM(relocation->r_info)];
        if (ELF64_R_TYPE(relocation->r_info) == JUMP_SLOT
            && !strcmp(strings + symbol->st_name, name))
            return (void **)(map->l_addr + relocation->r_offset);
    }
    return NULL;
}

static const replacement replacements[] = {
    {"tcg_func_start_ppc64", (void *)gen_start, (void **)&generator.start},
    {"tcg_gen_callN_ppc64", (void *)gen_call, (void **)&generator.call},
    {"tcg_gen_code_ppc64", (void *)gen_code, (void **)&generator.code},
    {"tcg_optimize_ppc64", (void *)gen_optimize, (void **)&generator.optimize},
    {"tlb_set_dirty_ppc64", (void *)set_dirty, (void **)&original.set_dirty},
    {"tlb_reset_dirty_by_vaddr_ppc64", (void *)reset_dirty_by_address,
     (void **)&original.reset_dirty_by_address},
    {"tb_invalidate_phys_page_fast_ppc64", (void *)store_to_code,
     (void **)&original.store_to_code},
    {"tb_flush_ppc64", (void *)drop_all_code, (void **)&original.drop_all_code},
    {"cpu_ppc_load_purr_ppc64", (void *)load_purr, (void **)&original.load_purr},
    {"cpu_ppc_load_vtb_ppc64", (void *)load_vtb, (void **)&original.load_vtb},
    {"tb_htable_lookup_ppc64", (void *)find_known_block, (void **)&original.find_known_block},
    {"tlb_flush_ppc64", (void *)flush, (void **)&original.flush},
    {"tlb_flush_all_cpus_synced_ppc64", (void *)flush_after_tlbie,
     (void **)&original.flush_after_tlbie},
    {"tlb_flush_by_mmuidx_ppc64", (void *)flush_modes, (void **)&original.flush_modes},
    {"tlb_flush_page_ppc64", (void *)flush_page, (void **)&original.flush_page},
    {"tcg_tb_lookup_ppc64", NULL, (void **)&generator.find_block},
    {"unicorn_fill_tlb_ppc64", NULL, (void **)&original.fill},
    {"helper_check_exit_request_ppc64", NULL, (void **)&generator.check_exit},
    {"helper_lookup_tb_ptr_ppc64", NULL, (void **)&generator.lookup},
    {"helper_tlbie_ppc64", NULL, (void **)&generator.tlbie},
    {"tcg_emit_op_ppc64", NULL, (void **)&generator.emit},
    {"tcg_gen_op1_ppc64", NULL, (void **)&generator.op1},
    {"tcg_gen_op3_ppc64", NULL, (void **)&generator.op3},
    {"tcg_gen_addi_i64_ppc64", NULL, (void **)&generator.add_constant},
    {"tcg_gen_brcond_i64_ppc64", NULL, (void **)&generator.branch},
    {"gen_new_label_ppc64", NULL, (void **)&generator.new_label},
    {"tcg_temp_new_internal_ppc64", NULL, (void **)&generator.new_temporary},
    {"tcg_temp_free_internal_ppc64", NULL, (void **)&generator.free_temporary},
    {"helper_dadd", NULL, (void **)&generator.first_decimal},
    {"helper_dscriq", NULL, (void **)&generator.last_decimal},
};
#define REPLACEMENTS (sizeof replacements / sizeof *replacements)

/* Finds what all of `table` names; the name of what is missing, or NULL. */
static const char *find_all(void *library, const struct link_map *map, const replacement *table,
                            size_t count, void **slots[])
{
    for (size_t i = 0; i < count; i++) {
        *table[i].original = dlsym(library, table[i].name);
        slots[i] = table[i].replacement ? find_slot(map, table[i].name) : NULL;
        if (!*table[i].original || (table[i].replacement && !slots[i]))
            return table[i].name;
    }
    return NULL;
}

static void replace_all(const replacement *table, size_t count, void **slots[])
{
    for (size_t i = 0; i < count; i++)
        if (slots[i])
            *slots[i] = table[i].replacement;
}

bool interpose(void *library, char *error, size_t error_size)
{
    static bool done;
    struct link_map *map;
    void **slots[REPLACEMENTS], **helper_slots[HELPER_REPLACEMENTS];
    if (done)
        return true;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map)) {
        snprintf(error, error_size, "cannot inspect the Unicorn library: %s", dlerror());
        return false;
    }
    const char *missing = find_all(library, map, replacements, REPLACEMENTS, slots);
    if (!missing)
        missing = find_all(library, map, helper_replacements, HELPER_REPLACEMENTS, helper_slots);
    if (!missing)
        missing = helpers_load(library);
    if (!missing)
        missing = matrix_load(library);
    if (missing) {
        snprintf(error, error_size, "the Unicorn library has no %s: version " WINDOW_VERSION
                 " as released is needed", missing);
        return false;
    }
    replace_all(replacements, REPLACEMENTS, slots);
    replace_all(helper_replacements, HELPER_REPLACEMENTS, helper_slots);
    done = true;
    return true;
}
