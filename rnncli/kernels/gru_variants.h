/* The recurrence for one kind of number, once for every processor; gru.c includes it for each kind. */

#if defined(__x86_64__)
#define VARIANT avx512
#define TARGET AVX512
#define LANES (64 / (int)sizeof(REAL))
#include "gru_body.h"
#undef VARIANT
#undef TARGET
#undef LANES

#define VARIANT avx2
#define TARGET AVX2
#define LANES (32 / (int)sizeof(REAL))
#include "gru_body.h"
#undef VARIANT
#undef TARGET
#undef LANES
#endif

#define VARIANT generic
#define TARGET
#define LANES (16 / (int)sizeof(REAL))
#include "gru_body.h"
#undef VARIANT
#undef TARGET
#undef LANES
