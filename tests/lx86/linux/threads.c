/* Threads of the C library; what it prints does not depend on who runs when. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 3000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counted, atomically;
static unsigned long long wide;
static __thread int mine = 7;
static __thread char text[24] = "nobody";

static void together(const char *what, void *(*body)(void *))
{
    pthread_t threads[THREADS];
    long sum = 0;
    for (long n = 0; n < THREADS; n++)
        if (pthread_create(&threads[n], NULL, body, (void *)n))
            exit(1);
    for (int n = 0; n < THREADS; n++) {
        void *result;
        pthread_join(threads[n], &result);
        sum += (long)result;
    }
    printf("%s: %ld\n", what, sum);
}

static void *counting(void *number)
{
    for (int n = 0; n < ROUNDS; n++) {
        pthread_mutex_lock(&lock);
        counted += 1 + (n & 1);
        pthread_mutex_unlock(&lock);
        __sync_fetch_and_add(&atomically, 3);
        __atomic_fetch_add(&wide, 0x100000001ull, __ATOMIC_SEQ_CST);
    }
    return number;
}

static void *local(void *number)
{
    for (int n = 0; n < 100; n++) {
        mine += (int)(long)number;
        snprintf(text, sizeof text, "thread %d of %d", (int)(long)number, THREADS);
        if (n % 10 == 0)
            sched_yield();
    }
    return (void *)(long)(mine * 100 + (int)strlen(text) + text[7]);
}

static int queue[4], filled, next_in, next_out;

static void *trading(void *number)
{
    long sum = 0;
    for (int n = 0; n < 200; n++) {
        pthread_mutex_lock(&lock);
        if ((long)number & 1) {
            while (!filled)
                pthread_cond_wait(&changed, &lock);
            sum += queue[next_out++ & 3];
            filled--;
        } else {
            while (filled == 4)
                pthread_cond_wait(&changed, &lock);
            queue[next_in++ & 3] = n;
            filled++;
        }
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return (void *)sum;
}

static pthread_barrier_t barrier;
static int phases[THREADS];

static void *in_step(void *number)
{
    long last = 0, wrong = 0;
    for (int phase = 1; phase <= 20; phase++) {
        phases[(long)number] = phase;
        last += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
        for (int n = 0; n < THREADS; n++)
            wrong += phases[n] != phase;
        pthread_barrier_wait(&barrier);
    }
    return (void *)(last + 1000 * wrong);
}

static sem_t heard;
static volatile sig_atomic_t handled;
static __thread volatile sig_atomic_t here;

static void handler(int number)
{
    here += number;
    __sync_fetch_and_add(&handled, 1);
    sem_post(&heard);
}

static void *listening(void *number)
{
    sem_post(&heard);
    while (!here)
        usleep(1000);
    return (void *)(long)(here == SIGUSR1 + (int)(long)number % 2 * (SIGUSR2 - SIGUSR1));
}

static void signals(void)
{
    pthread_t threads[THREADS];
    long right = 0;
    sigset_t all, old;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sem_init(&heard, 0, 0);
    for (long n = 0; n < THREADS; n++) {
        pthread_create(&threads[n], NULL, listening, (void *)n);
        sem_wait(&heard);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    for (int n = 0; n < THREADS; n++)
        pthread_kill(threads[n], n % 2 ? SIGUSR2 : SIGUSR1);
    for (int n = 0; n < THREADS; n++) {
        void *result;
        pthread_join(threads[n], &result);
        right += (long)result;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    printf("signals: %ld right, %d handled, %d here\n", right, (int)handled, (int)here);
}

static void cleaned(void *what)
{
    counted += *(int *)what;
}

static void *waiting(void *sem)
{
    int amount = 1000;
    pthread_cleanup_push(cleaned, &amount);
    sem_post(&heard);
    sem_wait(sem);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancelling(void)
{
    sem_t never;
    pthread_t thread;
    void *result;
    sem_init(&never, 0, 0);
    sem_init(&heard, 0, 0);
    counted = 0;
    pthread_create(&thread, NULL, waiting, &never);
    sem_wait(&heard);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled: %d, cleaned: %ld\n", result == PTHREAD_CANCELED, counted);
}

static void timing_out(void)
{
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    pthread_mutex_lock(&lock);
    int late = pthread_cond_timedwait(&changed, &lock, &soon);
    pthread_mutex_unlock(&lock);
    pthread_mutexattr_t kind;
    pthread_mutex_t checked;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checked, &kind);
    pthread_mutex_lock(&checked);
    int twice = pthread_mutex_lock(&checked);
    printf("late: %d, twice: %d\n", late == ETIMEDOUT, twice == EDEADLK);
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int begun, ended;

static void end(void *value)
{
    __sync_fetch_and_add(&ended, (int)(long)value);
}

static void begin(void)
{
    begun++;
    pthread_key_create(&key, end);
}

static void *keyed(void *number)
{
    pthread_once(&once, begin);
    pthread_setspecific(key, (void *)((long)number + 1));
    return pthread_getspecific(key);
}

int main(void)
{
    together("counting", counting);
    printf("%ld with a mutex, %ld and %#llx without\n", counted, atomically, wide);
    together("local", local);
    printf("main's: %d %s\n", mine, text);
    together("trading", trading);
    pthread_barrier_init(&barrier, NULL, THREADS);
    together("in step", in_step);
    signals();
    cancelling();
    timing_out();
    together("keys", keyed);
    printf("begun %d, ended %d\n", begun, ended);
    return 42;
}
