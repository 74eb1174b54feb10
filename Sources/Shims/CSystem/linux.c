#include "tenon_system.h"
