#define _GNU_SOURCE
#include "interpose.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "internal.h"

#define PAGE 4096ull
#define TICKS_PER_MICROSECOND 512
#define TCG_TYPE_I64 1

/* The core that runs on this thread; null outside core_run. */
__thread core *running_core;

static struct {
    void (*gen_call)(void *context, void *function, void *result, int count, void **arguments);
    void (*set_dirty)(void *cpu, uint64_t address);
    void (*reset_dirty_by_address)(void *cpu, uint64_t address, uint64_t length);
    void (*reset_dirty)(void *cpu, uint64_t host_address, uint64_t length);
    void (*check_exit)(void *uc, uint32_t delay_slot);
    int (*time_of_day)(struct timeval *now, void *zone);
    void *(*new_temporary)(void *context, int type, bool local);
    void (*free_temporary)(void *context, void *temporary);
    void (*gen_add)(void *context, ptrdiff_t to, ptrdiff_t from, int64_t constant);
    uint8_t *first_decimal, *last_decimal;
} original;

static core *core_of(void *cpu)
{
    core *c = running_core;
    return c && *(uint8_t **)((uint8_t *)cpu + CPU_ENV_PTR) == c->env ? c : NULL;
}

/* ---- stopping --------------------------------------------------------------------------- */

/* The library holds the decimal floating-point helpers once, and they were compiled for the
   *32-bit* core: they find (and write) FPSCR, the one part of the state they touch, at another
   place, which in ours lies among pointers to functions.  So they are handed the state's address
   off by the difference. */
static void gen_decimal_call(void *context, void *function, void *result, int count,
                             void **arguments)
{
    void *moved[8] = {0};
    uint8_t *base = context;
    if (count < 1 || count > 8)
        abort();
    memcpy(moved, arguments, count * sizeof *moved);
    moved[0] = original.new_temporary(context, TCG_TYPE_I64, false);
    original.gen_add(context, (uint8_t *)moved[0] - base, (uint8_t *)arguments[0] - base,
                     ENV_FPSCR - ENV32_FPSCR);
    original.gen_call(context, function, result, count, moved);
    original.free_temporary(context, moved[0]);
}

static bool is_decimal(void *function)
{
    return (uint8_t *)function >= original.first_decimal
           && (uint8_t *)function <= original.last_decimal;
}

/* Code generation asks for a call to `function`.  Blocks need no stop check of their own: the
   block hook, which comes first, leaves through leave_translated_code. */
static void gen_call(void *context, void *function, void *result, int count, void **arguments)
{
    core *c = running_core;
    if (function == (void *)original.check_exit && c) {
        if (!c->translator)
            c->translator = context;
        if (c->translator == context)
            return;
    }
    if (c && c->translator == context && is_decimal(function))
        gen_decimal_call(context, function, result, count, arguments);
    else
        original.gen_call(context, function, result, count, arguments);
}

_Noreturn void leave_translated_code(core *c)
{
    c->left = true;
    c->api.emu_stop(c->uc);
    original.check_exit(c->uc, 0); /* jumps back into uc_emu_start */
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
    c->api.invalidate_code(c->uc, page * PAGE, (page + 1) * PAGE);
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
    uint64_t microseconds = c->env ? *spr(c, SPR_TB) / TICKS_PER_MICROSECOND : 0;
    microseconds += ++c->flushes * MICROSECONDS_A_FLUSH;
    now->tv_sec = microseconds / 1000000;
    now->tv_usec = microseconds % 1000000;
    return 0;
}

/* ---- replacing -------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#elif defined(__aarch64__)
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#else
#error "pyphyp knows the jump slots of x86-64 and AArch64 hosts only"
#endif

typedef struct {
    const char *name;
    void *replacement;
    void **original;
} replacement;

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

bool interpose(void *library, char *error, size_t error_size)
{
    static bool done;
    struct link_map *map;
    replacement replacements[] = {
        {"tcg_gen_callN_ppc64", (void *)gen_call, (void **)&original.gen_call},
        {"tlb_set_dirty_ppc64", (void *)set_dirty, (void **)&original.set_dirty},
        {"tlb_reset_dirty_by_vaddr_ppc64", (void *)reset_dirty_by_address,
         (void **)&original.reset_dirty_by_address},
        {"gettimeofday", (void *)time_of_day, (void **)&original.time_of_day},
        {"tlb_reset_dirty_ppc64", NULL, (void **)&original.reset_dirty},
        {"helper_check_exit_request_ppc64", NULL, (void **)&original.check_exit},
        {"tcg_temp_new_internal_ppc64", NULL, (void **)&original.new_temporary},
        {"tcg_temp_free_internal_ppc64", NULL, (void **)&original.free_temporary},
        {"tcg_gen_addi_i64_ppc64", NULL, (void **)&original.gen_add},
        {"helper_dadd", NULL, (void **)&original.first_decimal},
        {"helper_dscriq", NULL, (void **)&original.last_decimal},
    };
    const size_t count = sizeof replacements / sizeof *replacements;
    void **slots[sizeof replacements / sizeof *replacements] = {0};
    if (done)
        return true;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map)) {
        snprintf(error, error_size, "cannot inspect the Unicorn library: %s", dlerror());
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        *replacements[i].original = dlsym(library, replacements[i].name);
        if (replacements[i].replacement)
            slots[i] = find_slot(map, replacements[i].name);
        if (!*replacements[i].original || (replacements[i].replacement && !slots[i])) {
            snprintf(error, error_size, "the Unicorn library has no %s: version " WINDOW_VERSION
                     " as released is needed", replacements[i].name);
            return false;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (slots[i])
            *slots[i] = replacements[i].replacement;
    done = true;
    return true;
}
