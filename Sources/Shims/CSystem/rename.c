#include "rename.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int tenon_rename_by_link(const char *from, const char *to)
{
    struct stat status;
    if (link(from, to) == 0)
        return unlink(from);
    if (errno == EEXIST)
        return -1;
    /* Neither folders nor some file systems have hard links. The gap between looking and renaming remains. */
    if (lstat(to, &status) == 0) {
        errno = EEXIST;
        return -1;
    }
    if (errno != ENOENT)
        return -1;
    return rename(from, to);
}
