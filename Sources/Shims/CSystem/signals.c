#include "tenon_system.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lock-free atomics, the one kind besides sig_atomic_t that a handler may touch; threads read them too. */
static atomic_int pending;

enum { slot_count = 256 };
static _Atomic(char *) remembered[slot_count];
static atomic_int owner;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Whoever exchanges a slot for NULL owns its text, so the handler never meets a freed one. */
static void sweep(void)
{
    char *paths[slot_count];
    int error = errno;
    if (atomic_load(&owner) != (int)getpid())
        return;
    for (int i = 0; i < slot_count; i++) {
        paths[i] = atomic_exchange(&remembered[i], NULL);
        if (paths[i] != NULL)
            unlink(paths[i]);
    }
    /* Folders come after what they hold; twice, since a slot's number says nothing sure about depth. */
    for (int round = 0; round < 2; round++)
        for (int i = slot_count - 1; i >= 0; i--)
            if (paths[i] != NULL)
                rmdir(paths[i]);
    errno = error;
}

static void prepare(void)
{
    atexit(sweep);
}

int tenon_remember(const char *path)
{
    pthread_once(&once, prepare);
    atomic_store(&owner, (int)getpid());
    char *copy = strdup(path);
    if (copy == NULL)
        return -1;
    for (int i = 0; i < slot_count; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&remembered[i], &empty, copy))
            return i;
    }
    free(copy);
    return -1;
}

void tenon_forget(int slot)
{
    if (slot >= 0 && slot < slot_count)
        free(atomic_exchange(&remembered[slot], NULL));
}

int tenon_pending_signal(void)
{
    return atomic_load_explicit(&pending, memory_order_relaxed);
}

void tenon_note_signal(int number)
{
    int none = 0;
    atomic_compare_exchange_strong(&pending, &none, number);
}

static void arrived(int number)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&pending, &none, number))
        return;
    sweep();
    signal(number, SIG_DFL);
    raise(number); /* Blocked until this handler returns, then the end. */
}

void tenon_install_signal_handlers(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {0}, before;
    action.sa_handler = arrived; /* Without SA_RESTART: a blocked read must wake. */
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        /* What was ignored stays so: nohup, and jobs a script put in the background. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* A write over the user's file size limit then fails with EFBIG. */
}
