#ifndef TENON_RENAME_H
#define TENON_RENAME_H

/* An exclusive rename for file systems that have none: by link and unlink, and for folders by looking first. */
int tenon_rename_by_link(const char *from, const char *to);

#endif
