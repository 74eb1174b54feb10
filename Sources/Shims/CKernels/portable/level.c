#include "tenon_kernels.h"
