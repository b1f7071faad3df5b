#include "tlb.h"

#include <stdio.h>
#include <stdlib.h>

#include "interpose.h"
#include "tlb_tables.h"

#define NOT_DIRTY 0x400ull /* in a store address: each store is to be seen */
#define UNSPECIFIED 1u
#define WRITERS_SEVERAL 2ull

/* ---- Unicorn's pointers ------------------------------------------------------------------ */

static uint8_t *cpu(core *c) { return c->env - CPU_ENV; }
static uint64_t *mask(core *c, int mode)
{
    return window64(c->env, mode * TLB_FAST_SIZE - ENV_TLB);
}

static void **entries(core *c, int mode) { return (void **)mask(c, mode) + 1; }
static void **io(core *c, int mode)
{
    return (void **)window64(c->env, mode * TLB_MODE_SIZE + TLB_IO - ENV_TLB_MODES);
}

static table *table_of(core *c, int mode)
{
    return mode == PROBLEM ? &c->tlb->space->problem : &c->tlb->shared[mode];
}

void tlb_install(core *c, int mode)
{
    *mask(c, mode) = (ENTRIES - 1) * sizeof(entry);
    *entries(c, mode) = table_of(c, mode)->entries;
    *io(c, mode) = table_of(c, mode)->io;
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

static void watch(entry *e, uint64_t storage_page)
{
    if (e->real / PAGE == storage_page && e->store % PAGE == 0)
        e->store |= NOT_DIRTY;
}

static void watch_all(table *t, uint64_t storage_page)
{
    if (t->used > PLACES)
        table_clear(t);
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
        if (!table_allocate(table_of(c, mode)))
            FAIL("out of memory");
        if (*mask(c, mode) != (unicorns_first - 1) * sizeof(entry) || !*io(c, mode))
            FAIL("this Unicorn keeps its TLB elsewhere: version " WINDOW_VERSION
                 " as released is needed");
    }
    for (int mode = 0; mode < MODES; mode++) {
        c->tlb->unicorns[mode].mask = *mask(c, mode);
        c->tlb->unicorns[mode].entries = *entries(c, mode);
        c->tlb->unicorns[mode].io = *io(c, mode);
        tlb_install(c, mode);
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
        table_release(&c->tlb->spaces[i].problem);
    for (int mode = PRIVILEGED; mode < MODES; mode++)
        table_release(&c->tlb->shared[mode]);
    sparse_unmap(c->tlb->writers, c->size / PAGE * sizeof(uint64_t));
    free(c->tlb);
}
