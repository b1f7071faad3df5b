#include "tlb_tables.h"

#include <stdlib.h>

bool table_allocate(table *t)
{
    t->entries = malloc(ENTRIES * sizeof(entry));
    t->io = malloc(ENTRIES * sizeof(io_entry));
    if (!t->entries || !t->io)
        return false;
    memset(t->entries, 0xff, ENTRIES * sizeof(entry));
    t->used = 0;
    return true;
}

void table_release(table *t)
{
    free(t->entries);
    free(t->io);
}

void table_clear(table *t)
{
    if (t->used > PLACES)
        memset(t->entries, 0xff, ENTRIES * sizeof(entry));
    else
        for (unsigned i = 0; i < t->used; i++)
            memset(&t->entries[t->places[i]], 0xff, sizeof(entry));
    t->used = 0;
}

void table_drop(table *t, uint64_t page)
{
    entry *e = &t->entries[place_of(page)];
    uint64_t within = PAGE - 1;
    if ((e->load & ~within) == page || (e->store & ~within) == page || (e->fetch & ~within) == page)
        memset(e, 0xff, sizeof *e);
}
