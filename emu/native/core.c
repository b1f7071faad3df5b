/* A processor core: opening it, running it, its clock, its registers. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"
#include "interpose.h"
#include "tlb.h"

/* Translated code a guest may make the host keep: a Linux boot needs 55 MiB.  When it is used up
   all of it is dropped; Unicorn's own choice of 1 GiB a guest could fill in seconds. */
#define CODE_BUFFER_BYTES (128u << 20)

/* ---- running ---------------------------------------------------------------------------- */

static void deliver_nonmaskable(core *c, uint64_t vector, core_nonmaskable *interrupt)
{
    interrupt->pending = 0;
    deliver(c, vector, *nip(c), interrupt->srr1);
    *nip(c) = interrupt->handler;
    if (interrupt->save) {
        uint64_t saved = htobe64(*gpr(c, 3));
        core_write_storage(c, interrupt->save, (const uint8_t *)&saved, sizeof saved);
        *gpr(c, 3) = interrupt->save;
    }
}

static void take_interrupts(core *c)
{
    if (c->machine_check.pending) {
        *spr(c, SPR_DAR) = c->machine_check.dar;
        *spr(c, SPR_DSISR) = c->machine_check.dsisr;
        deliver_nonmaskable(c, 0x200, &c->machine_check);
    } else if (c->system_reset.pending) {
        deliver_nonmaskable(c, 0x100, &c->system_reset);
    } else if (msr(c) & MSR_EE) {
        if (c->external)
            deliver(c, 0x500, *nip(c), 0);
        else if (interrupt_pending(c))
            deliver(c, 0x900, *nip(c), 0);
    }
}

static int run_until_exit(core *c, uint64_t until, uint64_t pauses)
{
    c->until = until;
    c->pauses = pauses;
    host_clock_run(c);
    tlb_select(c); /* PID may have been written */
    debug_enter(c);
    for (;;) {
        if (c->debug.on && debug_stops(c))
            return CORE_DEBUG;
        if (c->stop_requested && !c->debug.watch_open) { /* else an access is under way */
            c->stop_requested = 0;
            return CORE_PREEMPTED;
        }
        if (c->tlb_stale) {
            tlb_flush(c);
            c->tlb_stale = false;
        }
        if (c->retranslate) {
            c->api.ctl(c->uc, CTL_FLUSH_CODE);
            forget_code(c);
            c->retranslate = false;
        }
        if (!c->ahead) { /* else a block goes on */
            if (c->machine_check.pending && !(msr(c) & MSR_ME)) {
                snprintf(c->failure, sizeof c->failure, "machine check with MSR[ME] off at %#llx",
                         (unsigned long long)*nip(c));
                return CORE_CHECKSTOP;
            }
            take_interrupts(c);
            if (time_base(c) >= until)
                return CORE_PREEMPTED;
        }
        set_deadline(c);
        if (!debug_limit(c))
            c->counts.entries++;
        c->left = false;
        uc_err result = c->api.emu_start(c->uc, *nip(c), ~0xfull, 0, 0);
        if (guest_completed(c))
            continue;
        if (c->hypercall) {
            c->hypercall = 0;
            return CORE_HYPERCALL;
        }
        if (c->unknown_exception) {
            snprintf(c->failure, sizeof c->failure, "unknown exception %u at %#llx",
                     c->unknown_exception, (unsigned long long)*nip(c));
            c->unknown_exception = 0;
            return CORE_CHECKSTOP;
        }
        bool watched = c->debug.watch_fault;
        if (c->fault_pending && (watched || c->fault_cause == CAUSE_DEVICE)) {
            int why = watched ? debug_watch_fault(c) : device_fault(c);
            if (why >= 0)
                return why;
        } else if (c->fault_pending) {
            deliver_storage_interrupt(c);
            debug_interrupted(c);
        } else if (result != UC_ERR_OK) {
            snprintf(c->failure, sizeof c->failure, "%s at %#llx", c->api.strerror(result),
                     (unsigned long long)*nip(c));
            return CORE_CHECKSTOP;
        } else if (!c->left && c->pauses-- == 0) {
            return CORE_PAUSED;
        }
    }
}

int core_run(core *c, uint64_t until, uint64_t pauses)
{
    core *outer = running_core; /* an observer may run another core */
    int why = CORE_CHECKSTOP;
    guard g;
    if (c->broken)
        return why;
    running_core = c;
    if (sigsetjmp(*guard_enter(&g), 0))
        guard_broke(c);
    else
        why = run_until_exit(c, until, pauses);
    guard_leave(&g);
    running_core = outer;
    return why;
}

uint64_t core_pauses_left(core *c) { return c->pauses; }

void core_stop(core *c)
{
    c->stop_requested = 1;
    *deadline(c) = 0;
}

const char *core_failure(core *c) { return c->failure; }

int *core_external(core *c) { return &c->external; }

uint64_t *core_random(core *c) { return &c->random; }

core_nonmaskable *core_system_reset(core *c) { return &c->system_reset; }

core_nonmaskable *core_machine_check(core *c) { return &c->machine_check; }

void core_flush_translations(core *c)
{
    tlb_flush(c);
    *window64(c->env, ENV_RESERVE_ADDR) = ~0ull;
}

void core_write_storage(core *c, uint64_t address, const uint8_t *data, uint64_t length)
{
    guard g;
    if (sigsetjmp(*guard_enter(&g), 0)) {
        guard_broke(c);
    } else {
        memcpy(c->storage + address, data, length);
        if (!c->broken)
            drop_code(c, address, address + length);
    }
    guard_leave(&g);
}

/* ---- opening ---------------------------------------------------------------------------- */

/* SPURR and VTB read as PURR does.  The time base is asked for, by the way VTB was. */
static void own_the_clock(core *c)
{
    uint8_t *callbacks = c->env + ENV_SPR_CB;
    uint8_t *virtual_time = callbacks + SPR_VTB * SPR_CB_SIZE;
    uint8_t *purr = callbacks + SPR_PURR * SPR_CB_SIZE;
    uint8_t *time = callbacks + SPR_TB * SPR_CB_SIZE;
    *window64(time, SPR_CB_UEA_READ) = *window64(virtual_time, SPR_CB_OEA_READ);
    *window64(time, SPR_CB_OEA_READ) = *window64(virtual_time, SPR_CB_OEA_READ);
    *window64(virtual_time, SPR_CB_OEA_READ) = *window64(purr, SPR_CB_OEA_READ);
    *window64(c->env, ENV_TB_ENV) = (uint64_t)c->no_time_base;
}

static bool core_start(core *c, const char *library, bool host_clock, char *error,
                       size_t error_size)
{
    uc_hook hook;
    uc_err result;
    if (!unicorn_load(library, &c->api, error, error_size))
        return false;
    unsigned version = c->api.version(NULL, NULL);
    if (version >> 8 != WINDOW_RELEASE)
        FAIL("this is Unicorn %u.%u.%u; version " WINDOW_VERSION " is needed", version >> 24,
             version >> 16 & 0xff, version >> 8 & 0xff);
    if (!interpose(c->api.library, error, error_size))
        return false;
    result = c->api.open(UC_ARCH_PPC, UC_MODE_PPC64 | UC_MODE_BIG_ENDIAN, &c->uc);
    if (result != UC_ERR_OK)
        FAIL("Unicorn cannot open a 64-bit PowerPC: %s", c->api.strerror(result));
    c->api.ctl(c->uc, CTL_CODE_BUFFER_SIZE, CODE_BUFFER_BYTES); /* before all other controls */
    c->api.ctl(c->uc, CTL_TLB_MODE, UC_TLB_VIRTUAL);
    c->api.ctl(c->uc, CTL_USE_EXITS, 1);
    result = c->api.mem_map_ptr(c->uc, 0, c->size, UC_PROT_ALL, c->storage);
    if (result != UC_ERR_OK)
        FAIL("cannot map %llu bytes of storage: %s", (unsigned long long)c->size,
             c->api.strerror(result));
    uint8_t *cpu = *(uint8_t **)((uint8_t *)c->uc + UC_CPU);
    c->env = *(uint8_t **)(cpu + CPU_ENV_PTR);
    c->generator = *(void **)((uint8_t *)c->uc + UC_GENERATOR);
    if (host_clock && !host_clock_open(c))
        FAIL("the host has no thread for its clock");
    if (!interpose_engine(cpu))
        FAIL("this Unicorn fills its TLB elsewhere: version " WINDOW_VERSION
             " as released is needed");
    if (!window_check(c, error, error_size) || !tlb_start(c, error, error_size))
        return false;
    registers_start(c);
    if (!decoder_start(c) || !levels_start(c))
        FAIL("out of memory");
    own_the_clock(c);
    select_translation(c);
    *window64(c->env, ENV_MSR_MASK) &= ~MSR_TM; /* no transactional memory */
    *window32(c->env, ENV_FLAGS) &= ~FLAGS_TRACE; /* guest_debug.c */
    c->api.hook_add(c->uc, &hook, UC_HOOK_TLB_FILL, (void *)on_tlb_miss, c, 1, 0);
    c->api.hook_add(c->uc, &hook, UC_HOOK_INTR, (void *)on_exception, c, 1, 0);
    if (!window_check_running(c, error, error_size))
        return false;
    if (!processors_start(c))
        FAIL("out of memory");
    return true;
}

void core_load(const char *library) { unicorn_preload(library); }

core *core_open(const char *library, uint8_t *storage, uint64_t size, int host_clock, char *error,
                size_t error_size)
{
    core *c = calloc(1, sizeof *c);
    guard_install();
    if (!c) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    memset(c->controls.answered_calls, 0xff, sizeof c->controls.answered_calls);
    c->storage = storage;
    c->size = size;
    c->code_pages = sparse_map(size / 4096);
    core *outer = running_core;
    running_core = c;
    bool started = c->code_pages
                   && core_start(c, library, host_clock, error, error_size);
    running_core = outer;
    if (!started) {
        core_close(c);
        return NULL;
    }
    return c;
}

void core_close(core *c)
{
    if (c)
        host_clock_close(c);
    if (c && c->broken)
        return; /* the heap may be what is broken: it keeps what it has */
    if (c && c->uc) {
        tlb_end(c);
        c->api.close(c->uc);
    }
    if (c) {
        processors_end(c);
        levels_end(c);
        decoder_end(c);
        sparse_unmap(c->code_pages, c->size / 4096);
        free(c->windows);
    }
    free(c);
}

/* ---- registers -------------------------------------------------------------------------- */

core_counts *core_count(core *c) { return &c->counts; }
core_controls *core_control(core *c) { return &c->controls; }
uint64_t *core_gpr(core *c) { return gpr(c, 0); }
uint64_t *core_spr(core *c) { return spr(c, 0); }
uint64_t *core_lr(core *c) { return window64(c->env, ENV_LR); }
uint64_t *core_ctr(core *c) { return window64(c->env, ENV_CTR); }
uint64_t *core_nip(core *c) { return nip(c); }
uint64_t *core_vsr(core *c) { return window64(c->env, ENV_VSR); }
const uint64_t *core_msr(core *c) { return window64(c->env, ENV_MSR); }

void core_set_msr(core *c, uint64_t value)
{
    c->api.reg_write(c->uc, UC_PPC_REG_MSR, &value);
    facilities_forget(c);
    *window64(c->env, ENV_RESERVE_ADDR) = ~0ull;
}

uint32_t core_cr(core *c)
{
    uint32_t value = 0;
    for (int field = 0; field < 8; field++)
        value = value << 4 | *window32(c->env, ENV_CRF + 4 * field);
    return value;
}

void core_set_cr(core *c, uint32_t value)
{
    for (int field = 0; field < 8; field++)
        *window32(c->env, ENV_CRF + 4 * field) = value >> (28 - 4 * field) & 0xf;
}

/* XER's carry and overflow bits live in fields of their own. */
static const struct {
    int offset, shift;
} xer_bits[] = {{ENV_SO, 31}, {ENV_OV, 30}, {ENV_CA, 29}, {ENV_OV32, 19}, {ENV_CA32, 18}};
#define XER_BITS (sizeof xer_bits / sizeof *xer_bits)

uint64_t core_xer(core *c)
{
    uint64_t value = *window64(c->env, ENV_XER);
    for (size_t i = 0; i < XER_BITS; i++)
        value |= (*window64(c->env, xer_bits[i].offset) & 1) << xer_bits[i].shift;
    return value;
}

void core_set_xer(core *c, uint64_t value)
{
    for (size_t i = 0; i < XER_BITS; i++) {
        *window64(c->env, xer_bits[i].offset) = value >> xer_bits[i].shift & 1;
        value &= ~(1ull << xer_bits[i].shift);
    }
    *window64(c->env, ENV_XER) = value;
}

#define DECIMAL_ROUNDING 7 /* DRN, in the upper half of FPSCR */

uint64_t core_fpscr(core *c) { return *window64(c->env, ENV_FPSCR); }

void core_set_fpscr(core *c, uint64_t value)
{
    uint64_t *fpscr = window64(c->env, ENV_FPSCR);
    c->api.reg_write(c->uc, UC_PPC_REG_FPSCR, &value); /* which takes the lower half */
    *fpscr = (value >> 32 & DECIMAL_ROUNDING) << 32 | (uint32_t)*fpscr;
}

/* ---- observing -------------------------------------------------------------------------- */

void core_observe_interrupts(core *c, core_interrupt_observer observer, void *context)
{
    c->observe_interrupt = observer;
    c->interrupt_context = context;
}
