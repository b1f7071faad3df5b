/* What the TLB consists of: tables that tlb.c fills and tlb_spaces.c flushes. */
#ifndef TLB_TABLES_H
#define TLB_TABLES_H
#include "tlb.h"

#define PAGE 4096ull
#define ENTRIES 8192
#define PLACES 512 /* of entries used since the last flush that are remembered one by one */
#define MODES 4    /* problem state or not, translated or not */
#define PROBLEM 0
#define PRIVILEGED 1
#define SPACES 8
#define LOW_PAGES 64

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

static inline unsigned place_of(uint64_t page) { return page / PAGE % ENTRIES; }

bool table_allocate(table *t); /* false: out of memory; what there is of it can be released */
void table_release(table *t);
void table_clear(table *t);
void table_drop(table *t, uint64_t page); /* the entry for it, if there is one */

/* The running process's table for this mode of Unicorn's MMU is what translated code looks into. */
void tlb_install(core *c, int mode);
#endif
