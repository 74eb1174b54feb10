#ifndef TENON_SYSTEM_H
#define TENON_SYSTEM_H

#include <stdint.h>

/* What Swift's Glibc and Darwin modules lack, or what must be async-signal-safe.
   Functions that return int give -1 and set errno on failure, unless they say otherwise. */

/* Renames `from` to `to`; fails with EEXIST where `to` is there. */
int tenon_rename_exclusive(const char *from, const char *to);

/* Swaps two names in one step; fails with ENOTSUP where the system or the file system cannot. */
int tenon_rename_exchange(const char *one, const char *other);

/* Flushes a file to the medium, through the drive's own cache where the system offers that. */
int tenon_sync(int descriptor);

/* Reserves room for the file's first `byte_count` bytes; its length stays. */
int tenon_reserve(int descriptor, int64_t byte_count);

/* Tells the system how a range will be read: 0 in order, 1 soon, 2 no more. Never fails. */
void tenon_advise(int descriptor, int64_t offset, int64_t byte_count, int kind);

/* Marks a folder as ours with an extended attribute; fails with ENOTSUP where the file system keeps none. */
int tenon_mark(const char *path);

/* 1 where the folder has our mark, else 0. */
int tenon_is_marked(const char *path);

/* How many processors this process may use, at least 1. */
int tenon_usable_processors(void);

/* Tells the processor that a thread waits for a number in memory to change. */
static inline void tenon_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Installs handlers for SIGINT, SIGTERM and SIGHUP (where they are not ignored) and ignores SIGPIPE
   and SIGXFSZ, so that writes fail instead.
   The first signal is noted; the second removes what is remembered below and ends the process. */
void tenon_install_signal_handlers(void);

/* The first signal that came, or 0. */
int tenon_pending_signal(void);

/* Notes a signal as if it had come, unless one has. */
void tenon_note_signal(int number);

/* Remembers a file or folder that must not outlive the process: removed on the second signal and in exit().
   Gives a slot for tenon_forget, or -1 when there is no more room (the path is then not remembered). */
int tenon_remember(const char *path);
void tenon_forget(int slot);

#endif
