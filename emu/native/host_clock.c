/* The host's clock as a guest's time base: nothing is counted, and a thread that waits for the
   next moment something is due has the block that runs then be the last.

   The guest sets its decrementer more often than it lets it expire.  So setting a later moment
   costs no system call: the thread wakes when the earlier one has come, and looks again. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

#define TICKS_PER_SECOND 512000000ull
#define NANOSECONDS 1000000000ull

struct host_clock {
    core *owner;
    bool runs;            /* the time base follows the clock, from these two on */
    uint64_t nanoseconds;
    uint64_t ticks;

    pthread_t waiter;
    pthread_mutex_t lock;
    pthread_cond_t earlier; /* than the waiter would look: it is to look now */
    _Atomic uint64_t due;   /* a moment of the host's clock, or NEVER */
    _Atomic uint64_t looks; /* when the waiter does */
    bool closing;
};

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

/* The moment when the time base gets to `ticks`, rounded up. */
static uint64_t moment_of(const host_clock *h, uint64_t ticks)
{
    uint64_t left = ticks > h->ticks ? ticks - h->ticks : 0;
    uint64_t seconds = left / TICKS_PER_SECOND;
    if (seconds >= NEVER / NANOSECONDS / 2)
        return NEVER;
    return h->nanoseconds + seconds * NANOSECONDS + (left % TICKS_PER_SECOND * 1000 + 511) / 512;
}

/* ---- the waiter --------------------------------------------------------------------------- */

static void *wait_for_moments(void *context)
{
    host_clock *h = context;
    pthread_mutex_lock(&h->lock);
    while (!h->closing) {
        uint64_t due = h->due;
        if (due <= monotonic()) {
            if (atomic_compare_exchange_strong(&h->due, &due, NEVER))
                *deadline(h->owner) = 0;
            continue;
        }
        h->looks = due;
        if (h->due < due) /* set since; whoever sets one from here on sees when we look */
            continue;
        if (due == NEVER) {
            pthread_cond_wait(&h->earlier, &h->lock);
        } else {
            struct timespec at = {due / NANOSECONDS, due % NANOSECONDS};
            pthread_cond_timedwait(&h->earlier, &h->lock, &at);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

void host_clock_wake(core *c, uint64_t time_base)
{
    host_clock *h = c->host;
    if (!h->runs)
        return;
    uint64_t moment = moment_of(h, time_base);
    h->due = moment;
    if (moment >= h->looks)
        return;
    pthread_mutex_lock(&h->lock);
    pthread_cond_signal(&h->earlier);
    pthread_mutex_unlock(&h->lock);
}

/* Signals are for the host's own threads. */
static bool start_waiter(host_clock *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&h->waiter, NULL, wait_for_moments, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool host_clock_open(core *c)
{
    pthread_condattr_t attributes;
    host_clock *h = calloc(1, sizeof *h);
    if (!h)
        return false;
    h->owner = c;
    h->due = h->looks = NEVER;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&h->earlier, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!start_waiter(h)) {
        free(h);
        return false;
    }
    c->host = h;
    return true;
}

void host_clock_close(core *c)
{
    host_clock *h = c->host;
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->closing = true;
    pthread_cond_signal(&h->earlier);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->waiter, NULL);
    pthread_cond_destroy(&h->earlier);
    pthread_mutex_destroy(&h->lock);
    free(h);
    c->host = NULL;
}

/* ---- the time base ------------------------------------------------------------------------ */

uint64_t host_time_base(core *c)
{
    const host_clock *h = c->host;
    if (h->runs)
        *spr(c, SPR_TB) = h->ticks + ticks_in(monotonic() - h->nanoseconds);
    return *spr(c, SPR_TB);
}

void host_clock_run(core *c)
{
    host_clock *h = c->host;
    if (!h || h->runs)
        return;
    h->ticks = *spr(c, SPR_TB);
    h->nanoseconds = monotonic();
    h->runs = true;
}

void host_clock_advance(core *c, uint64_t ticks)
{
    c->host->ticks += ticks;
}

void core_hold_clock(core *c)
{
    if (!c->host)
        return;
    host_time_base(c);
    c->host->runs = false;
}
