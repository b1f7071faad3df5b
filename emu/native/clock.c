/* Time.  The time base is the one counter; the decrementer and PURR are points on it.

   *Counted*: each translated block adds its instructions (generate.c), and finds with one comparison
   whatever is due.  *The host's*: nothing is added; the time base is the host's monotonic clock
   while the guest runs, and a thread that waits for the deadline has the next block come back. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TICKS_PER_SECOND 512000000ull
#define NANOSECONDS 1000000000ull
#define NEVER (~0ull)

struct host_clock {
    core *owner;
    bool runs;          /* the time base follows the clock, from these two on */
    uint64_t nanoseconds;
    uint64_t ticks;
    int timer; /* a descriptor */
    pthread_t waiter;
    volatile bool closing;
};

/* ---- the host's clock ------------------------------------------------------------------- */

static uint64_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

static uint64_t ticks_in(uint64_t nanoseconds)
{
    return nanoseconds / NANOSECONDS * TICKS_PER_SECOND
           + nanoseconds % NANOSECONDS * (TICKS_PER_SECOND / 1000000) / 1000;
}

/* The moment on the host's clock when the time base gets there; rounded up. */
static uint64_t moment_of(const host_clock *h, uint64_t ticks)
{
    uint64_t left = ticks > h->ticks ? ticks - h->ticks : 0;
    return h->nanoseconds + left / TICKS_PER_SECOND * NANOSECONDS
           + (left % TICKS_PER_SECOND * 1000 + 511) / 512;
}

static void set_timer(host_clock *h, uint64_t moment)
{
    struct itimerspec at = {.it_value = {moment / NANOSECONDS, moment % NANOSECONDS}};
    timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void *wait_for_deadlines(void *context)
{
    host_clock *h = context;
    uint64_t times;
    while (!h->closing)
        if (read(h->timer, &times, sizeof times) == sizeof times)
            *deadline(h->owner) = 0;
    return NULL;
}

/* Signals are for the host's own threads. */
static bool start_waiter(host_clock *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&h->waiter, NULL, wait_for_deadlines, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool clock_open(core *c)
{
    host_clock *h = calloc(1, sizeof *h);
    if (!h)
        return false;
    h->owner = c;
    h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (h->timer < 0 || !start_waiter(h)) {
        if (h->timer >= 0)
            close(h->timer);
        free(h);
        return false;
    }
    c->host = h;
    return true;
}

void clock_close(core *c)
{
    host_clock *h = c->host;
    if (!h)
        return;
    h->closing = true;
    set_timer(h, 1);
    pthread_join(h->waiter, NULL);
    close(h->timer);
    free(h);
}

/* ---- the time base ---------------------------------------------------------------------- */

uint64_t time_base(core *c)
{
    const host_clock *h = c->host;
    if (h && h->runs)
        *spr(c, SPR_TB) = h->ticks + ticks_in(monotonic() - h->nanoseconds);
    return *spr(c, SPR_TB);
}

uint64_t core_time_base(core *c) { return time_base(c); }

void core_advance_time_base(core *c, uint64_t ticks)
{
    *spr(c, SPR_TB) += ticks;
    c->purr_behind += ticks;
    if (c->host)
        c->host->ticks += ticks;
}

void clock_runs(core *c)
{
    host_clock *h = c->host;
    if (!h || h->runs)
        return;
    h->ticks = *spr(c, SPR_TB);
    h->nanoseconds = monotonic();
    h->runs = true;
}

void core_hold_clock(core *c)
{
    if (!c->host)
        return;
    time_base(c);
    c->host->runs = false;
}

uint64_t core_purr(core *c) { return time_base(c) - c->purr_behind; }

void core_set_purr(core *c, uint64_t value) { c->purr_behind = time_base(c) - value; }

/* ---- what is due ------------------------------------------------------------------------ */

static bool decrementer_negative(core *c)
{
    return (int64_t)(c->decrementer_zero - time_base(c)) < 0;
}

bool interrupt_pending(core *c) { return c->external || decrementer_negative(c); }

static bool leaves_at_once(core *c)
{
    return c->external || c->stop_requested || c->tlb_full || c->retranslate || c->debug.on;
}

void set_deadline(core *c)
{
    uint64_t due = c->decrementer_zero + 1;
    uint64_t next = due < c->until ? due : c->until;
    if (!c->host) {
        *deadline(c) = leaves_at_once(c) ? 0 : next;
    } else {
        *deadline(c) = leaves_at_once(c) ? 0 : NEVER;
        if (c->host->runs)
            set_timer(c->host, moment_of(c->host, next));
    }
    if (c->stop_requested) /* since it was looked at */
        *deadline(c) = 0;
}

/* Whether something waits for the block that runs to end. */
bool block_due(core *c)
{
    return c->stop_requested || c->tlb_full || c->retranslate || time_base(c) >= c->until
           || (msr(c) & MSR_EE && interrupt_pending(c));
}

void block_begins(core *c, uint64_t address, uint64_t size)
{
    *nip(c) = address;
    if (c->debug.on) {
        debug_block(c, address, size);
        return;
    }
    if (block_due(c))
        leave_translated_code(c); /* before the block runs */
    if (c->host && !interrupt_pending(c))
        set_deadline(c);
}

int64_t core_decrementer(core *c) { return (int64_t)(c->decrementer_zero - time_base(c)); }

void core_set_decrementer(core *c, int64_t value)
{
    c->decrementer_zero = time_base(c) + (uint64_t)value;
    set_deadline(c);
}
