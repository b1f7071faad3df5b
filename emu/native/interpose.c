#define _GNU_SOURCE
#include "interpose.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "generate.h"
#include "internal.h"

#define PAGE 4096ull
#define TICKS_PER_MICROSECOND 512

/* The core that runs on this thread; null outside core_run. */
__thread core *running_core;

static struct {
    void (*set_dirty)(void *cpu, uint64_t address);
    void (*reset_dirty_by_address)(void *cpu, uint64_t address, uint64_t length);
    void (*reset_dirty)(void *cpu, uint64_t host_address, uint64_t length);
    void (*set_page)(void *cpu, uint64_t address, uint64_t real, int permissions, int mode,
                     uint64_t size);
    bool (*fill)(void *cpu, uint64_t address, int size, int access, int mode, bool probe,
                 uintptr_t from);
    void (*store_to_code)(void *generator, void *pages, uint64_t address, int length,
                          uintptr_t from);
    void (*drop_all_code)(void *cpu);
    uint8_t *(*find_block)(void *generator, uintptr_t within);
    uint64_t (*load_purr)(void *env);
    uint64_t (*load_vtb)(void *env);
    int (*time_of_day)(struct timeval *now, void *zone);
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
            original.reset_dirty(cpu, (uint64_t)c->storage + page * PAGE, PAGE);
        }
    }
}

/* A store went to `page`.  Whether it must go on being watched. */
static bool holds_code(core *c, uint64_t page)
{
    if (page >= c->size / PAGE || !c->code_pages[page])
        return false;
    if (++c->code_pages[page] < PATIENCE)
        return true;
    drop_code(c, page * PAGE, (page + 1) * PAGE);
    c->code_pages[page] = 0;
    return false;
}

/* A store went to `address`, code it overwrote is gone, and the TLB is about to let the next
   stores through unseen, by this address in every translation mode; so also where it is a real
   address. */
static void set_dirty(void *cpu, uint64_t address)
{
    core *c = core_of(cpu);
    if (c) {
        uint64_t page;
        bool watched = holds_code(c, (address & EFFECTIVE_REAL_MASK) / PAGE);
        if (page_of(c, address, ACCESS_STORE, &page))
            watched |= holds_code(c, page);
        if (watched)
            return;
    }
    original.set_dirty(cpu, address);
}

/* ---- the TLB, and what is known of translated code ---------------------------------------- */

static void note_block(core *c, uintptr_t from)
{
    uint8_t *block = from ? original.find_block(c->generator, from) : NULL;
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
        original.set_page(cpu, page, entry.paddr, entry.perms, mode, PAGE);
        return true;
    }
    if (c)
        note_block(c, from);
    return original.fill(cpu, address, size, access, mode, probe, from);
}

static void store_to_code(void *uc, void *pages, uint64_t address, int length, uintptr_t from)
{
    if (running_core)
        running_core->generation++;
    original.store_to_code(uc, pages, address, length, from);
}

static void drop_all_code(void *cpu)
{
    if (running_core)
        running_core->generation++;
    original.drop_all_code(cpu);
}

void drop_code(core *c, uint64_t start, uint64_t end)
{
    c->generation++;
    c->api.invalidate_code(c->uc, start, end);
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

/* The TLB's size follows its use over the last tenth of a second, and every flush asks for the
   time.  Measured in the guest's own time, the same run gives the same TLB misses.  A flush counts
   for time of its own: the cost of one grows with the TLB, and a guest that has made it large and
   then does little else but flush would take the host a minute for its ten milliseconds. */
#define MICROSECONDS_A_FLUSH 100

static int time_of_day(struct timeval *now, void *zone)
{
    core *c = running_core;
    if (!c)
        return gettimeofday(now, zone);
    c->generation++; /* it is flushed now */
    uint64_t microseconds = c->env ? time_base(c) / TICKS_PER_MICROSECOND : 0;
    microseconds += ++c->flushes * MICROSECONDS_A_FLUSH;
    now->tv_sec = microseconds / 1000000;
    now->tv_usec = microseconds % 1000000;
    return 0;
}

static uint64_t load_purr(void *env)
{
    core *c = running_core;
    return c && c->env == env ? core_purr(c) : original.load_purr(env);
}

/* Where own_the_clock says so, the time base is read this way. */
static uint64_t load_vtb(void *env)
{
    core *c = running_core;
    return c && c->env == env ? time_base(c) : original.load_vtb(env);
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
    {"tlb_set_dirty_ppc64", (void *)set_dirty, (void **)&original.set_dirty},
    {"tlb_reset_dirty_by_vaddr_ppc64", (void *)reset_dirty_by_address,
     (void **)&original.reset_dirty_by_address},
    {"tb_invalidate_phys_page_fast_ppc64", (void *)store_to_code,
     (void **)&original.store_to_code},
    {"tb_flush_ppc64", (void *)drop_all_code, (void **)&original.drop_all_code},
    {"cpu_ppc_load_purr_ppc64", (void *)load_purr, (void **)&original.load_purr},
    {"cpu_ppc_load_vtb_ppc64", (void *)load_vtb, (void **)&original.load_vtb},
    {"gettimeofday", (void *)time_of_day, (void **)&original.time_of_day},
    {"tcg_tb_lookup_ppc64", NULL, (void **)&original.find_block},
    {"tlb_reset_dirty_ppc64", NULL, (void **)&original.reset_dirty},
    {"tlb_set_page_ppc64", NULL, (void **)&original.set_page},
    {"unicorn_fill_tlb_ppc64", NULL, (void **)&original.fill},
    {"helper_check_exit_request_ppc64", NULL, (void **)&generator.check_exit},
    {"helper_lookup_tb_ptr_ppc64", NULL, (void **)&generator.lookup},
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
