#include "tlb.h"

#include <stdio.h>
#include <stdlib.h>

#include "interpose.h"

#define PAGE 4096ull
#define ENTRIES 8192
#define PLACES 512 /* of entries used since the last flush that are remembered one by one */
#define MODES 4    /* problem state or not, translated or not */
#define PROBLEM 0
#define PRIVILEGED 1
#define SPACES 8
#define LOW_PAGES 64

#define NOT_DIRTY 0x400ull /* in a store address: each store is to be seen */
#define UNSPECIFIED 1u
#define WRITERS_SEVERAL 2ull

typedef struct {
    uint64_t load, store, fetch; /* the page's effective address; all ones: not so */
    uint64_t real, to_host, unused[3];
} entry;

typedef struct {
    uint64_t to_offset;
    uint32_t attributes, unused;
} io_entry;

typedef struct {
    entry *entries;
    io_entry *io;
    unsigned used;
    uint16_t places[PLACES];
} table;

typedef struct {
    uint64_t process, selected; /* when it was, by count */
    table problem;
    bool high;            /* the table has high addresses */
    uint32_t translation; /* generation of it, of the low addresses */
} space;

struct tlb {
    space spaces[SPACES], *space;
    table shared[MODES]; /* that of problem state aside */
    uint64_t selections;
    uint32_t generations;
    /* low addresses that the privileged table has; more than there is room for: many */
    uint64_t low[LOW_PAGES];
    unsigned low_count;
    /* For each page of storage: 0, or through which page stores reach it unseen (1 is added), or
       that there are several. */
    uint64_t *writers;
    uint64_t storage_offset; /* of the storage in Unicorn's own numbering */
    /* What Unicorn made for these modes, to be given back. */
    struct {
        uint64_t mask;
        void *entries, *io;
    } unicorns[MODES];
};

/* ---- Unicorn's pointers ------------------------------------------------------------------ */

static uint8_t *cpu(core *c) { return c->env - CPU_ENV; }
static uint64_t *mask(core *c, int mode) { return window64(c->env, mode * TLB_FAST_SIZE - ENV_TLB); }
static void **entries(core *c, int mode) { return (void **)mask(c, mode) + 1; }
static void **io(core *c, int mode)
{
    return (void **)window64(c->env, mode * TLB_MODE_SIZE + TLB_IO - ENV_TLB_MODES);
}

static table *table_of(core *c, int mode)
{
    return mode == PROBLEM ? &c->tlb->space->problem : &c->tlb->shared[mode];
}

static void install(core *c, int mode)
{
    *mask(c, mode) = (ENTRIES - 1) * sizeof(entry);
    *entries(c, mode) = table_of(c, mode)->entries;
    *io(c, mode) = table_of(c, mode)->io;
}

/* ---- one table --------------------------------------------------------------------------- */

static bool allocate(table *t)
{
    t->entries = malloc(ENTRIES * sizeof(entry));
    t->io = malloc(ENTRIES * sizeof(io_entry));
    if (!t->entries || !t->io)
        return false;
    memset(t->entries, 0xff, ENTRIES * sizeof(entry));
    t->used = 0;
    return true;
}

static void release(table *t)
{
    free(t->entries);
    free(t->io);
}

static void clear(table *t)
{
    if (t->used > PLACES)
        memset(t->entries, 0xff, ENTRIES * sizeof(entry));
    else
        for (unsigned i = 0; i < t->used; i++)
            memset(&t->entries[t->places[i]], 0xff, sizeof(entry));
    t->used = 0;
}

static void clear_problem(space *s)
{
    if (s->problem.entries)
        clear(&s->problem);
    s->high = false;
}

static unsigned place_of(uint64_t page) { return page / PAGE % ENTRIES; }

static void drop(table *t, uint64_t page)
{
    entry *e = &t->entries[place_of(page)];
    uint64_t within = PAGE - 1;
    if ((e->load & ~within) == page || (e->store & ~within) == page || (e->fetch & ~within) == page)
        memset(e, 0xff, sizeof *e);
}

/* ---- translated code --------------------------------------------------------------------- */

static uint32_t next_generation(core *c)
{
    if (!++c->tlb->generations) { /* they begin again */
        memset(c->jumps, 0, sizeof c->jumps);
        c->tlb->generations = 1;
    }
    return c->tlb->generations;
}

static void set_known(core *c, int high, uint32_t translation)
{
    c->known[high] = (uint64_t)translation << 32 | (uint32_t)c->known[high];
}

/* What Unicorn itself remembers of jumps: it does not ask where their pages lie now. */
static void forget_unicorns_jumps(core *c)
{
    if (c->unicorn_jumped)
        memset(cpu(c) + CPU_JUMPS, 0, CPU_JUMPS_SIZE);
    c->unicorn_jumped = false;
}

static void low_changed(core *c, space *s)
{
    s->translation = next_generation(c);
    if (s != c->tlb->space)
        return;
    set_known(c, 0, s->translation);
    forget_unicorns_jumps(c);
}

static void high_changed(core *c)
{
    set_known(c, 1, next_generation(c));
    forget_unicorns_jumps(c);
}

void forget_code(core *c)
{
    uint32_t generation = c->known[0] + 1;
    if (!generation)
        memset(c->jumps, 0, sizeof c->jumps);
    for (int high = 0; high < 2; high++)
        c->known[high] = (c->known[high] & ~(uint64_t)UINT32_MAX) | generation;
}

bool tlb_fetches_from(core *c, uint64_t address, uint32_t storage_page)
{
    int mode = (msr(c) & MSR_PR ? 0 : 1) + (msr(c) & MSR_IR ? 0 : 2);
    uint64_t page = address & ~(PAGE - 1);
    entry *e = &table_of(c, mode)->entries[place_of(page)];
    uc_tlb_entry found;
    if (e->fetch != page) {
        if (!on_tlb_miss(c->uc, page, UC_MEM_FETCH, &found, c)) {
            c->fault_pending = false; /* it will be met again */
            return false;
        }
        if (!(found.perms & UC_PROT_EXEC))
            return false;
        tlb_enter(c, mode, page, &found);
    }
    return e->real / PAGE == storage_page;
}

/* ---- entering ---------------------------------------------------------------------------- */

static void note_writer(core *c, uint64_t storage_page, uint64_t page)
{
    uint64_t *writer = &c->tlb->writers[storage_page], this = page + 1;
    *writer = !*writer || *writer == this ? this : WRITERS_SEVERAL;
}

void tlb_enter(core *c, int mode, uint64_t page, const uc_tlb_entry *found)
{
    table *t = table_of(c, mode);
    unsigned place = place_of(page);
    uint64_t storage_page = found->paddr / PAGE;
    bool writable = found->perms & UC_PROT_WRITE, watched = c->code_pages[storage_page];
    t->entries[place] = (entry){
        .load = found->perms & UC_PROT_READ ? page : ~0ull,
        .store = !writable ? ~0ull : page | (watched ? NOT_DIRTY : 0),
        .fetch = found->perms & UC_PROT_EXEC ? page : ~0ull,
        .real = found->paddr,
        .to_host = (uint64_t)c->storage + found->paddr - page,
    };
    t->io[place] = (io_entry){c->tlb->storage_offset + found->paddr - page, UNSPECIFIED, 0};
    if (t->used < PLACES)
        t->places[t->used] = place;
    t->used += t->used <= PLACES;
    if (writable && !watched)
        note_writer(c, storage_page, page);
    if (mode == PROBLEM && page >> 62 == 3)
        c->tlb->space->high = true;
    if (mode == PRIVILEGED && page >> 62 != 3) {
        if (c->tlb->low_count < LOW_PAGES)
            c->tlb->low[c->tlb->low_count] = page;
        c->tlb->low_count += c->tlb->low_count <= LOW_PAGES;
    }
}

static void clear_all(core *c)
{
    for (int i = 0; i < SPACES; i++)
        clear_problem(&c->tlb->spaces[i]);
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        clear(&c->tlb->shared[mode]);
    c->tlb->low_count = 0;
}

static void watch(entry *e, uint64_t storage_page)
{
    if (e->real / PAGE == storage_page && e->store % PAGE == 0)
        e->store |= NOT_DIRTY;
}

static void watch_all(table *t, uint64_t storage_page)
{
    if (t->used > PLACES)
        clear(t);
    for (unsigned i = 0; i < t->used; i++)
        watch(&t->entries[t->places[i]], storage_page);
}

void tlb_watch_stores(core *c, uint64_t storage_page)
{
    uint64_t *writer = &c->tlb->writers[storage_page];
    table *tables[SPACES + MODES];
    int count = 0;
    if (*writer) {
        for (int i = 0; i < SPACES; i++)
            if (c->tlb->spaces[i].problem.entries)
                tables[count++] = &c->tlb->spaces[i].problem;
        for (int mode = PRIVILEGED; mode < MODES; mode++)
            tables[count++] = &c->tlb->shared[mode];
    }
    for (int i = 0; i < count; i++)
        if (*writer == WRITERS_SEVERAL)
            watch_all(tables[i], storage_page);
        else
            watch(&tables[i]->entries[place_of(*writer - 1)], storage_page);
    *writer = 0;
}

void tlb_stored(core *c, uint64_t address)
{
    uint64_t page = address & ~(PAGE - 1);
    for (int mode = 0; mode < MODES; mode++) {
        entry *e = &table_of(c, mode)->entries[place_of(page)];
        if (e->store != (page | NOT_DIRTY) || holds_code(c, e->real / PAGE))
            continue;
        e->store = page;
        note_writer(c, e->real / PAGE, page);
    }
}

/* ---- flushing ---------------------------------------------------------------------------- */

void tlb_flush(core *c)
{
    clear_all(c);
    for (int i = 0; i < SPACES; i++)
        low_changed(c, &c->tlb->spaces[i]);
    high_changed(c);
}

void tlb_drop_page(core *c, uint64_t page)
{
    drop(&c->tlb->space->problem, page);
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        drop(&c->tlb->shared[mode], page);
}

void tlb_flush_page(core *c, uint64_t page)
{
    tlb_drop_page(c, page);
    if (page >> 62 == 3)
        high_changed(c);
    else
        low_changed(c, c->tlb->space);
}

static void leave_low(core *c)
{
    if (c->tlb->low_count > LOW_PAGES)
        clear(&c->tlb->shared[PRIVILEGED]);
    else
        for (unsigned i = 0; i < c->tlb->low_count; i++)
            drop(&c->tlb->shared[PRIVILEGED], c->tlb->low[i]);
    c->tlb->low_count = 0;
}

static void flush_low(core *c, space *s)
{
    clear_problem(s);
    if (s == c->tlb->space)
        leave_low(c);
    low_changed(c, s);
}

void tlb_flush_low(core *c) { flush_low(c, c->tlb->space); }

static void flush_high(core *c)
{
    clear(&c->tlb->shared[PRIVILEGED]);
    c->tlb->low_count = 0;
    for (int i = 0; i < SPACES; i++)
        if (c->tlb->spaces[i].high)
            clear_problem(&c->tlb->spaces[i]);
    high_changed(c);
}

/* ---- processes --------------------------------------------------------------------------- */

static space *find(core *c, uint64_t process)
{
    for (space *s = c->tlb->spaces; s < c->tlb->spaces + SPACES; s++)
        if (s->selected && s->process == process)
            return s;
    return NULL;
}

static space *replaced(core *c, uint64_t process)
{
    space *oldest = c->tlb->spaces;
    for (space *s = oldest; s < c->tlb->spaces + SPACES; s++)
        if (s->selected < oldest->selected)
            oldest = s;
    if (!oldest->problem.entries && !allocate(&oldest->problem)) {
        release(&oldest->problem);
        oldest->problem = (table){0};
        oldest = c->tlb->space; /* the one that is there always */
    }
    flush_low(c, oldest);
    oldest->process = process;
    return oldest;
}

void tlb_select(core *c)
{
    uint64_t process = c->hash_table ? 0 : *spr(c, SPR_PID);
    if (c->tlb->space->process == process)
        return;
    space *s = find(c, process);
    if (!s)
        s = replaced(c, process);
    leave_low(c);
    c->tlb->space = s;
    s->selected = ++c->tlb->selections;
    install(c, PROBLEM);
    set_known(c, 0, s->translation);
    forget_unicorns_jumps(c);
}

/* ---- tlbie (Power ISA III 6.9.3.3) --------------------------------------------------------- */

enum { RIC_WALKS = 1, RIC_GROUP = 3 };
enum { SELECTS_PAGE, SELECTS_PROCESS };
enum { SIZE_4K, SIZE_64K = 5 };

void tlb_invalidate(core *c, uint64_t word)
{
    uint64_t rb = *gpr(c, RB(word)), process = *gpr(c, RT(word)) >> 32;
    bool of_process = word >> 17 & 1, radix = word >> 16 & 1;
    unsigned kind = word >> 18 & 3, selects = rb >> 10 & 3, size = rb >> 5 & 7;
    if (kind == RIC_WALKS && radix)
        return; /* none is kept */
    if (!radix || !of_process || kind == RIC_GROUP || selects > SELECTS_PROCESS
        || !(msr(c) & MSR_SF)) {
        tlb_flush(c);
        return;
    }
    if (!process && (selects == SELECTS_PROCESS || rb >> 62 == 3))
        flush_high(c);
    space *s = find(c, process);
    if (!s)
        return;
    if (selects == SELECTS_PROCESS || (size != SIZE_4K && size != SIZE_64K)) {
        flush_low(c, s);
        return;
    }
    uint64_t length = size == SIZE_64K ? 0x10000 : PAGE, page = rb & ~(length - 1);
    for (uint64_t end = page + length; page != end; page += PAGE) {
        drop(&s->problem, page);
        if (s == c->tlb->space)
            drop(&c->tlb->shared[PRIVILEGED], page);
    }
    low_changed(c, s);
}

/* ---- opening ----------------------------------------------------------------------------- */

/* Unicorn's entry for a page must be what ours will be. */
static bool as_unicorn_enters(core *c)
{
    const uint64_t page = 3 * PAGE, real = 5 * PAGE;
    const uc_tlb_entry found = {real, UC_PROT_ALL};
    table *t = table_of(c, PRIVILEGED);
    unsigned place = place_of(page);
    memset(&t->io[place], 0, sizeof(io_entry));
    c->api.enter_page(cpu(c), page, real, UC_PROT_ALL, PRIVILEGED, PAGE);
    entry theirs = t->entries[place];
    io_entry theirs_io = t->io[place];
    c->tlb->storage_offset = theirs_io.to_offset - real + page;
    c->code_pages[real / PAGE] = 1;
    tlb_enter(c, PRIVILEGED, page, &found);
    c->code_pages[real / PAGE] = 0;
    entry ours = t->entries[place];
    tlb_flush(c);
    return !memcmp(&ours, &theirs, sizeof ours - sizeof ours.unused)
           && c->tlb->storage_offset % PAGE == 0 && theirs_io.attributes == UNSPECIFIED;
}

bool tlb_start(core *c, char *error, size_t error_size)
{
    const uint64_t unicorns_first = 256; /* entries */
    c->tlb = calloc(1, sizeof *c->tlb);
    if (!c->tlb || !(c->tlb->writers = sparse_map(c->size / PAGE * sizeof(uint64_t))))
        FAIL("out of memory");
    c->tlb->space = c->tlb->spaces;
    for (int mode = 0; mode < MODES; mode++) {
        if (!allocate(table_of(c, mode)))
            FAIL("out of memory");
        if (*mask(c, mode) != (unicorns_first - 1) * sizeof(entry) || !*io(c, mode))
            FAIL("this Unicorn keeps its TLB elsewhere: version " WINDOW_VERSION
                 " as released is needed");
    }
    for (int mode = 0; mode < MODES; mode++) {
        c->tlb->unicorns[mode].mask = *mask(c, mode);
        c->tlb->unicorns[mode].entries = *entries(c, mode);
        c->tlb->unicorns[mode].io = *io(c, mode);
        install(c, mode);
    }
    c->tlb->space->selected = ++c->tlb->selections;
    tlb_flush(c);
    if (!as_unicorn_enters(c))
        FAIL("this Unicorn's TLB is another one: version " WINDOW_VERSION
             " as released is needed");
    return true;
}

void tlb_end(core *c)
{
    if (!c->tlb)
        return;
    for (int mode = 0; mode < MODES; mode++) {
        if (!c->tlb->unicorns[mode].entries)
            continue;
        *mask(c, mode) = c->tlb->unicorns[mode].mask;
        *entries(c, mode) = c->tlb->unicorns[mode].entries;
        *io(c, mode) = c->tlb->unicorns[mode].io;
    }
    for (int i = 0; i < SPACES; i++)
        release(&c->tlb->spaces[i].problem);
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        release(&c->tlb->shared[mode]);
    sparse_unmap(c->tlb->writers, c->size / PAGE * sizeof(uint64_t));
    free(c->tlb);
}
