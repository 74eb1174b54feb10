#ifndef TENON_SYSTEM_H
#define TENON_SYSTEM_H
#endif
