/* The recurrence for one kind of number, once for every processor; gru.c includes it for each kind. */

#if defined(__x86_64__)
#define VARIANT avx512
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#define LANES (64 / (int)sizeof(REAL))
#include "gru_body.h"
#undef VARIANT
#undef TARGET
#undef LANES

#define VARIANT avx2
#define TARGET __attribute__((target("avx2,fma")))
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
