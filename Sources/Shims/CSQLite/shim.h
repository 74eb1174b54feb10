#include <sqlite3.h>

/* What Swift cannot import: a function of variable arguments, and a destructor that is a number. */

static inline int tenon_sqlite_defend(sqlite3 *connection)
{
    int status = sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    return status ? status : sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
}

static inline int tenon_sqlite_bind_text(sqlite3_stmt *statement, int index, const void *text, int count)
{
    return sqlite3_bind_text(statement, index, (const char *)text, count, SQLITE_TRANSIENT);
}

static inline int tenon_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count)
{
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
