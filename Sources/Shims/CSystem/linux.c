#ifdef __linux__

#include "rename.h"
#include "tenon_system.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* By number, since older C libraries and musl have no renameat2. */
static int rename_with(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

int tenon_rename_exclusive(const char *from, const char *to)
{
    if (rename_with(from, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return -1;
    return tenon_rename_by_link(from, to);
}

int tenon_rename_exchange(const char *one, const char *other)
{
    if (rename_with(one, other, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS)
        errno = ENOTSUP;
    return -1;
}

int tenon_sync(int descriptor)
{
    return fsync(descriptor);
}

int tenon_mark(const char *path)
{
    return lsetxattr(path, "user.tenon.output", "1", 1, 0);
}

int tenon_is_marked(const char *path)
{
    char value;
    return lgetxattr(path, "user.tenon.output", &value, 1) == 1;
}

int tenon_reserve(int descriptor, int64_t byte_count)
{
    /* In memory reserving takes as long as writing, and on one processor only. */
    struct statfs medium;
    if (fstatfs(descriptor, &medium) == 0 && medium.f_type == TMPFS_MAGIC)
        return 0;
    /* Not posix_fallocate: where the file system has no such call, that writes zeros. */
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, (off_t)byte_count);
}

void tenon_advise(int descriptor, int64_t offset, int64_t byte_count, int kind)
{
    static const int advice[] = {POSIX_FADV_SEQUENTIAL, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED};
    if (kind >= 0 && kind < 3)
        posix_fadvise(descriptor, (off_t)offset, (off_t)byte_count, advice[kind]);
}

int tenon_usable_processors(void)
{
    for (int limit = 1024; limit <= 1 << 16; limit *= 4) {
        cpu_set_t *set = CPU_ALLOC(limit);
        if (set == NULL)
            break;
        size_t size = CPU_ALLOC_SIZE(limit);
        CPU_ZERO_S(size, set);
        int failed = sched_getaffinity(0, size, set);
        int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (!failed && count > 0)
            return count;
        if (failed && errno != EINVAL)
            break;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

#else
typedef int tenon_linux_only;
#endif
