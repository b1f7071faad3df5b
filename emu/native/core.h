/* The interface between Python and the native core: cffi reads this very file, so it holds plain
   declarations only.  Addresses and counts are 64-bit; time is in time-base ticks. */

typedef struct core core;

/* Why core_run came back. */
enum core_exit {
    CORE_HYPERCALL,   /* sc 1: the caller acts on the registers and runs again */
    CORE_PREEMPTED,   /* the budget is used up, or core_stop was called */
    CORE_DEVICE,      /* an access to a device page: core_finish_device answers it */
    CORE_PAUSED,      /* the guest waits busily: it gave way more often than it was allowed to */
    CORE_DEBUG,       /* a debugger's stop, before an instruction; core_debug_kind tells which */
    CORE_CHECKSTOP    /* the engine failed; core_failure tells why */
};

/* Why CORE_DEBUG. */
enum core_debug {
    DEBUG_BREAKPOINT,
    DEBUG_STEP,
    DEBUG_WATCH_STORE,  /* the access has not happened yet; core_debug_address tells where */
    DEBUG_WATCH_LOAD,
    DEBUG_WATCH_ACCESS
};

/* The edition of the Power ISA that a processor follows: what later ones brought is not there. */
enum core_isa {
    ISA_2_06 = 206,
    ISA_2_07 = 207,
    ISA_3_0 = 300,
    ISA_3_1 = 310
};

/* Hypercalls that the core can answer by itself: on the hashed page table (page_table.c), and on
   the DMA windows of adapters (dma.c). */
enum core_answered_call {
    PAGE_TABLE_ENTER,
    PAGE_TABLE_REMOVE,
    PAGE_TABLE_PROTECT,
    PAGE_TABLE_READ,
    PAGE_TABLE_REMOVE_BULK,
    DMA_PUT,
    DMA_STUFF,
    DMA_PUT_INDIRECT,
    ANSWERED_CALLS /* so many */
};

/* What happened, counted since the core was opened. */
typedef struct {
    uint64_t tlb_fills;         /* TLB misses answered with a translation */
    uint64_t storage_interrupts;/* TLB misses answered with an interrupt to the guest */
    uint64_t entries;           /* entries into translated code */
    uint64_t hypercalls;
    uint64_t interrupts[256];   /* delivered to the guest, by vector / 0x20; scv from 0x1000 on */
    uint64_t emulated;          /* instructions the core lacks, carried out here */
    uint64_t answered[8];       /* of the hypercalls, by the core itself */
    uint64_t device_accesses;
} core_counts;

/* What the hypervisor sets for the partition's processors. */
typedef struct {
    uint64_t interrupts_little_endian;   /* ILE: MSR[LE] on interrupt */
    uint64_t interrupt_location;         /* AIL: 0, 2 or 3 */
    uint64_t process_table;              /* logical real address; only read while radix is set */
    uint64_t process_table_size;         /* bytes; 0: no table */
    uint64_t answered_calls[8];          /* R3 of each; all ones: none */
    uint64_t answers_calls;              /* 0: all of them leave the core */
    uint64_t plain_code;                 /* the guest is optimized code, and mostly runs once */
} core_controls;

/* A load from or a store to a device page.  The value has the bytes in the order of their
   addresses, the first one the most significant. */
typedef struct {
    uint64_t address; /* logical real */
    uint64_t length;  /* 1, 2, 4 or 8; the address is a multiple of it */
    uint64_t store;   /* 0: a load */
    uint64_t value;   /* to be stored */
} core_device_access;

/* An interrupt that no bit of MSR masks, to be delivered: by the architecture, to its vector; or
   by firmware, to a handler that finds its R3 in storage and the place of that in R3. */
typedef struct {
    uint64_t pending;
    uint64_t handler; /* effective address, in real mode */
    uint64_t save;    /* logical real address of a doubleword for R3; 0: R3 stays */
    uint64_t srr1;    /* the bits of SRR1 that say why */
    uint64_t dar, dsisr; /* of a machine check */
} core_nonmaskable;

/* Called for each interrupt delivered while tracing is on. */
typedef void (*core_interrupt_observer)(void *context, uint64_t vector, uint64_t srr0,
                                        uint64_t srr1, uint64_t time_base);
/* Called before each traced instruction, and when a traced access is done: `length` bytes at
   `address`, by the instruction at `pc`. */
typedef void (*core_instruction_observer)(void *context, uint64_t address);
typedef void (*core_access_observer)(void *context, uint64_t address, uint64_t length,
                                     int stored, uint64_t pc);

/* Storage of `size` bytes between two inaccessible regions; NULL where the host refuses. */
uint8_t *storage_map(uint64_t size);
void storage_unmap(uint8_t *storage, uint64_t size);
/* Marks (one byte a page of 4 KiB) the pages that may differ from what was mapped there: from
   zeros, or from the file. */
void storage_mark_written(const uint8_t *storage, uint64_t size, uint8_t *marks);
/* Of the marked pages, unmarks those that hold nothing but zeros. */
void storage_unmark_zeros(const uint8_t *storage, uint64_t size, uint8_t *marks);
/* Puts `length` bytes of a file there, without reading them yet; stores do not reach the file.
   Where `file` is -1, zeros.  0, or -1 where the host refuses. */
int storage_map_file(uint8_t *storage, uint64_t address, uint64_t length, int file,
                     uint64_t offset);

/* Loads the Unicorn library at `library`, if it can be, so that `core_open` finds it loaded. */
void core_load(const char *library);
/* A core over that storage, from the Unicorn library at `library`; NULL with `error` filled.
   Its time is counted in instructions, or it is the host's. */
core *core_open(const char *library, uint8_t *storage, uint64_t size, int host_clock, char *error,
                size_t error_size);
void core_close(core *);

/* Run until an exit; the budget ends when the time base reaches `until`, and once the guest has
   said more than `pauses` times that it only waits (`or rx,rx,rx`, the priority hints). */
int core_run(core *, uint64_t until, uint64_t pauses);
/* Make core_run come back soon; safe from any thread and from signal handlers. */
void core_stop(core *);
/* The reason of a checkstop, as text. */
const char *core_failure(core *);

core_counts *core_count(core *);
core_controls *core_control(core *);

/* Windows into the running state. */
uint64_t *core_gpr(core *);        /* 32 */
uint64_t *core_spr(core *);        /* 1024; LR, CTR, XER, DEC are not there: use the functions */
uint64_t *core_lr(core *);
uint64_t *core_ctr(core *);
uint64_t *core_nip(core *);
uint64_t *core_vsr(core *);        /* 64 pairs; vsr[2n+1] is the more significant half */
const uint64_t *core_msr(core *);
void core_set_msr(core *, uint64_t);
uint32_t core_cr(core *);
void core_set_cr(core *, uint32_t);
uint64_t core_xer(core *);
void core_set_xer(core *, uint64_t);
uint64_t core_fpscr(core *);
void core_set_fpscr(core *, uint64_t);
uint64_t core_purr(core *);
void core_set_purr(core *, uint64_t);
int64_t core_decrementer(core *);
void core_set_decrementer(core *, int64_t);

/* The rest of the selected processor's state, for saving and restoring it (state.c). */
uint64_t *core_cfar(core *);
uint32_t core_vscr(core *);
void core_set_vscr(core *, uint32_t);
void core_restore_fpscr(core *, uint64_t); /* raises no exception of floating point */
/* Address (all ones: none) and the doublewords loaded; core_select and core_set_msr end it. */
uint64_t *core_reservation(core *);        /* 3 */
/* Whether core_spr holds this register: not those that have functions here, not PVR and LPCR. */
int core_has_spr(core *, int number);
int core_slb_entry(core *, int index, uint64_t *esid, uint64_t *vsid); /* 0: both are 0 */
int core_set_slb_entry(core *, int index, uint64_t esid, uint64_t vsid); /* -1: not possible */
/* Instructions of a block that a debugger cut which were counted and have yet to run. */
uint64_t core_counted_ahead(core *);
void core_set_counted_ahead(core *, uint64_t);
/* Whether its translated code knows that MSR[FP], MSR[VEC] or MSR[VSX] are on, and at which
   address it last learnt that (facilities.c). */
int core_facilities_known(core *);
uint64_t core_facilities_learnt(core *);
void core_set_facilities(core *, int known, uint64_t learnt);

/* Time: the time base moves with each instruction, or with the host's clock from the begin of a
   run until that is held. */
uint64_t core_time_base(core *);
void core_hold_clock(core *);
/* Moves it besides. */
void core_advance_time_base(core *, uint64_t ticks);
/* Put the time base to `ticks`, also back; PURR stands still, the decrementers stay due when they
   were. */
void core_set_time_base(core *, uint64_t ticks);
/* The time base at which the exception of processor `number`'s decrementer is due (now or
   earlier: already due). */
uint64_t core_decrementer_due(core *, int number);

/* Virtual processors take turns on the core; number 0 is there from the start.  Registers,
   decrementer and interrupt inputs below and above are those of the selected one. */
int core_add_processor(core *);    /* its number; -1: out of memory */
void core_select(core *, int number);
void core_reset_processor(core *); /* the selected one, to its state at power-on */
/* Executed by all processors together. */
uint64_t core_instructions(core *);
void core_set_instructions(core *, uint64_t);
/* How many of the pauses that the last core_run allowed are left. */
uint64_t core_pauses_left(core *);

/* The ISA level of all processors; translated code is dropped.  Between two runs. */
void core_set_isa(core *, enum core_isa);
enum core_isa core_get_isa(core *);

/* The level of the selected processor's external interrupt input: 0, or it is on. */
int *core_external(core *);
/* What the numbers of darn follow from. */
uint64_t *core_random(core *);
/* System reset and machine check of the selected processor: set `pending`, and it is delivered
   before the next instruction. */
core_nonmaskable *core_system_reset(core *);
core_nonmaskable *core_machine_check(core *);
/* Whether other processes write to the storage meanwhile: conditional stores are then atomic towards
   them.  To be set before the first run. */
void core_share_storage(core *, int on);
/* Forget cached translations and reservations. */
void core_flush_translations(core *);
/* Translate by the hashed page table of `size` bytes (a power of two) at `table`, in the host's
   storage; NULL: by radix trees, with process_table. */
void core_set_hash_table(core *, uint8_t *table, uint64_t size);
/* The entries of a DMA window, which stay where they are until it is removed; -1: no memory. */
int core_add_dma_window(core *, uint64_t liobn, uint64_t *entries, uint64_t pages);
void core_remove_dma_window(core *, uint64_t liobn);

/* Device pages (device.c): real addresses outside storage.  -1: no room, or not outside. */
int core_add_device_pages(core *, uint64_t address, uint64_t length);
void core_remove_device_pages(core *); /* all */
/* The access of the last CORE_DEVICE, and its end: `value` goes to the register loaded. */
const core_device_access *core_device(core *);
void core_finish_device(core *, uint64_t value);

/* Storage written from outside: copies, and drops translated code that it overwrites.
   The range must lie inside the storage. */
void core_write_storage(core *, uint64_t address, const uint8_t *data, uint64_t length);

/* Translate as the core itself would, without changing reference or change bits.
   access: 0 load, 1 store, 2 fetch.  1: `real` is set; 0: `cause` is set (DSISR bits). */
int core_translate(core *, uint64_t effective, int access, uint64_t *real, uint64_t *cause);

/* The selected processor's CIABR, DAWR or DAWRX, which core_spr holds, were set. */
void core_guest_debug_changed(core *);

/* Debugging (debug.c), by effective address and for all processors.  A run that stopped goes on
   past what it stopped at.  The adding ones give -1 where there is no room for another;
   access: 1 loads, 2 stores, 3 both. */
int core_debug_add_breakpoint(core *, uint64_t address);
void core_debug_remove_breakpoint(core *, uint64_t address);
int core_debug_add_watchpoint(core *, uint64_t address, uint64_t length, int access);
void core_debug_remove_watchpoint(core *, uint64_t address, uint64_t length, int access);
/* The next run stops behind one instruction, or at the interrupt that it causes. */
void core_debug_step(core *, int on);
int core_debug_kind(core *);
uint64_t core_debug_address(core *);

void core_observe_interrupts(core *, core_interrupt_observer, void *context);

/* Tracing (tracing.c) by range of effective addresses, both ends included, on all processors.
   The observers are set before the first range.  The adding ones give -1 where there is no room;
   access: as for watchpoints.  Within an observer they take effect when its block has ended. */
void core_observe_trace(core *, core_instruction_observer, core_access_observer, void *context);
int core_trace_add_instructions(core *, uint64_t first, uint64_t last);
void core_trace_remove_instructions(core *, uint64_t first, uint64_t last);
int core_trace_add_accesses(core *, uint64_t first, uint64_t last, int access);
void core_trace_remove_accesses(core *, uint64_t first, uint64_t last, int access);
/* Have the words of `size` bytes from `first` on counted from now on: of each of them two numbers
   follow each other in `counts`, how often a block that was translated began there, and ended. */
void core_count_words(core *, uint64_t first, uint64_t size, uint64_t *counts);
