/* The TLB that translated code looks into, and what is known of translated code by address
   (tlb.c, tlb_spaces.c).

   Entries are Unicorn's, because translated code reads them; where they lie, what enters them and
   what removes them is ours.  Each process has a table of its own for problem state, kept while
   another runs; the privileged ones are shared, and forget the low addresses when the process
   changes. */
#ifndef TLB_H
#define TLB_H
#include "internal.h"

bool tlb_start(core *c, char *error, size_t error_size);
void tlb_end(core *c); /* before the engine is closed */

/* An access of Unicorn's MMU mode `mode` to `page` found this translation. */
void tlb_enter(core *c, int mode, uint64_t page, const uc_tlb_entry *found);
/* The process whose low addresses are to be translated from now on. */
void tlb_select(core *c);

void tlb_flush(core *c);                     /* everything */
void tlb_flush_page(core *c, uint64_t page); /* of the running process, 4 KiB */
void tlb_flush_low(core *c);                 /* of the running process: its low addresses */
void tlb_invalidate(core *c, uint64_t word); /* tlbie or tlbiel; radix trees alone have them */
/* As the library's functions are called: an entry of the SLB is about to be replaced, one is gone,
   or many are (hash.c). */
void slb_replaced(uint8_t *env, uint64_t rb, uint64_t rs);
void slb_invalidated_one(uint8_t *env, uint64_t effective);
void slb_invalidated(uint8_t *env, uint32_t hint);
/* The page leaves the TLB, and its translation stays what it was. */
void tlb_drop_page(core *c, uint64_t page);

/* Translated code comes from the storage page from now on: the TLB lets no more stores through
   unseen. */
void tlb_watch_stores(core *c, uint64_t storage_page);
/* A watched store to `address` is done; the next ones go unseen if they may. */
void tlb_stored(core *c, uint64_t address);

/* Some translated code is gone; or all of it, and other code may lie there. */
void code_dropped(core *c);
void forget_code(core *c);
/* Instructions at `address` are fetched from that page of storage. */
bool tlb_fetches_from(core *c, uint64_t address, uint32_t storage_page);
#endif
