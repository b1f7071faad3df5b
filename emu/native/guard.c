/* A fault of the engine itself ends its core, not the process.

   Translated code, Unicorn and what of it is replaced here are not above all doubt, and the
   storage of a partition may lie over a file that somebody cuts.  So signals that say that the
   host's processor could not go on, and abort(), lead out of the call that was made of the core.
   What they leave behind is nothing to go on with: the core is broken, and is never run again. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "internal.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define SIGNALS (sizeof signals / sizeof *signals)

static __thread sigjmp_buf *way_out; /* of the innermost guarded call; NULL: there is none */
static __thread int received;
static struct sigaction before[SIGNALS];

/* Not ours, or sent by another process: as if we were not here. */
static void pass_on(int number, const siginfo_t *info)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i] == number)
            sigaction(number, &before[i], NULL);
    if (info->si_code <= 0) /* nothing raises it again when this handler returns */
        raise(number);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    bool own = info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == getpid());
    if (!way_out || !own) {
        pass_on(number, info);
        return;
    }
    received = number;
    siglongjmp(*way_out, 1);
}

static void install(void)
{
#if !defined(__SANITIZE_ADDRESS__) /* which has more to say about it */
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
#endif
}

void guard_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

sigjmp_buf *guard_enter(guard *g)
{
    g->outer = way_out;
    way_out = &g->here;
    return &g->here;
}

void guard_leave(guard *g) { way_out = g->outer; }

sigjmp_buf *guard_hold(void)
{
    sigjmp_buf *held = way_out;
    way_out = NULL;
    return held;
}

void guard_resume(sigjmp_buf *held) { way_out = held; }

static const char *words(int number)
{
    switch (number) {
    case SIGSEGV: return "an address that is not there";
    case SIGBUS: return "storage whose file is cut";
    case SIGFPE: return "impossible arithmetic";
    case SIGILL: return "an illegal instruction";
    default: return "it aborted";
    }
}

void guard_broke(core *c)
{
    c->broken = true;
    snprintf(c->failure, sizeof c->failure, "the engine failed: %s, near %#llx", words(received),
             (unsigned long long)*nip(c));
}
