/* Translation control entries (LoPAR 14.5.4.2), put without leaving the core: Linux does that for
   each piece of each transfer.  The tables are the hypervisor's (hypervisor/vio/tce.py), which says
   what the calls mean; here is only what succeeds.  Any other leaves the core with nothing
   changed. */
#include <endian.h>
#include <stdlib.h>

#include "internal.h"

#define PAGE 4096ull
#define ACCESS 3ull
#define MOST_INDIRECT 512ull

/* The entries of the window that R4 names from the page of R5 on; how many there are from there. */
static uint64_t *entries_at(core *c, uint64_t *left)
{
    uint64_t page = *gpr(c, 5) / PAGE;
    for (int i = 0; i < c->window_count; i++)
        if (c->windows[i].liobn == *gpr(c, 4)) {
            if (page >= c->windows[i].pages)
                return NULL;
            *left = c->windows[i].pages - page;
            return c->windows[i].entries + page;
        }
    return NULL;
}

static bool may_be_put(core *c, uint64_t tce)
{
    return !(tce & ACCESS) || (tce & ~(PAGE - 1)) <= c->size - PAGE;
}

static bool stuff(core *c, uint64_t count)
{
    uint64_t left, tce = *gpr(c, 6), *entries = entries_at(c, &left);
    if (!entries || count > left || !may_be_put(c, tce))
        return false;
    for (uint64_t i = 0; i < count; i++)
        entries[i] = tce;
    return true;
}

static bool put_indirect(core *c)
{
    uint64_t left, address = *gpr(c, 6), count = *gpr(c, 7), *entries = entries_at(c, &left);
    if (!entries || address % PAGE || address > c->size - PAGE || !count || count > MOST_INDIRECT
        || count > left)
        return false;
    const uint64_t *listed = (const uint64_t *)(c->storage + address);
    for (uint64_t i = 0; i < count; i++)
        if (!may_be_put(c, be64toh(listed[i])))
            return false;
    for (uint64_t i = 0; i < count; i++)
        entries[i] = be64toh(listed[i]);
    return true;
}

bool dma_call(core *c, int call)
{
    switch (call) {
    case DMA_PUT: return stuff(c, 1);
    case DMA_STUFF: return stuff(c, *gpr(c, 7));
    default: return put_indirect(c);
    }
}

int core_add_dma_window(core *c, uint64_t liobn, uint64_t *entries, uint64_t pages)
{
    dma_window *windows = realloc(c->windows, (c->window_count + 1) * sizeof *windows);
    if (!windows)
        return -1;
    c->windows = windows;
    windows[c->window_count++] = (dma_window){liobn, pages, entries};
    return 0;
}

void core_remove_dma_window(core *c, uint64_t liobn)
{
    for (int i = 0; i < c->window_count; i++)
        if (c->windows[i].liobn == liobn) {
            c->windows[i] = c->windows[--c->window_count];
            return;
        }
}
