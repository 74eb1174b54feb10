#ifdef __APPLE__

#include "rename.h"
#include "tenon_system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

int tenon_rename_exclusive(const char *from, const char *to)
{
    if (renamex_np(from, to, RENAME_EXCL) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOTSUP)
        return -1;
    return tenon_rename_by_link(from, to);
}

int tenon_rename_exchange(const char *one, const char *other)
{
    if (renamex_np(one, other, RENAME_SWAP) == 0)
        return 0;
    if (errno == EINVAL)
        errno = ENOTSUP;
    return -1;
}

int tenon_sync(int descriptor)
{
    /* Here fsync leaves the data in the drive's cache; not every file system knows the stronger call. */
    if (fcntl(descriptor, F_FULLFSYNC) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOTSUP && errno != ENOTTY)
        return -1;
    return fsync(descriptor);
}

int tenon_mark(const char *path)
{
    return setxattr(path, "tenon.output", "1", 1, 0, XATTR_NOFOLLOW);
}

int tenon_is_marked(const char *path)
{
    char value;
    return getxattr(path, "tenon.output", &value, 1, 0, XATTR_NOFOLLOW) == 1;
}

int tenon_reserve(int descriptor, int64_t byte_count)
{
    fstore_t store = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, (off_t)byte_count, 0};
    return fcntl(descriptor, F_PREALLOCATE, &store) == -1 ? -1 : 0;
}

void tenon_advise(int descriptor, int64_t offset, int64_t byte_count, int kind)
{
    struct radvisory range = {(off_t)offset, byte_count > INT_MAX ? INT_MAX : (int)byte_count};
    if (kind == 0)
        fcntl(descriptor, F_RDAHEAD, 1);
    else if (kind == 1)
        fcntl(descriptor, F_RDADVISE, &range);
}

int tenon_usable_processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

#else
typedef int tenon_darwin_only;
#endif
