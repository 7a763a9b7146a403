/* One piece of code for several kinds of processor, chosen at run time: the compiler's own vectors are enough here.

   A file that includes this defines INTERFACE before: a number that changes with the arguments of its functions, so that
   a library of an older source is not called. */

#if !defined(__GNUC__)
#error "needs the vectors and attributes of GCC or Clang"
#endif

#include <stdint.h>

#define BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define AVX2 __attribute__((target("avx2,fma")))
#define HAS_AVX512                                                                                                     \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&  \
     __builtin_cpu_supports("avx512vl"))
#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))

/* Define a function from `name_body`, compiled once for each kind; its first parameter, `variant`, chooses. */
#define FOR_EVERY_PROCESSOR(name, parameters, arguments)                                                               \
    AVX512 static void name##_avx512 parameters { name##_body arguments; }                                             \
    AVX2 static void name##_avx2 parameters { name##_body arguments; }                                                 \
    static void name##_generic parameters { name##_body arguments; }                                                   \
    void name parameters {                                                                                             \
        switch (variant) {                                                                                             \
        case 0: name##_avx512 arguments; break;                                                                        \
        case 1: name##_avx2 arguments; break;                                                                          \
        default: name##_generic arguments;                                                                             \
        }                                                                                                              \
    }
#else
#define FOR_EVERY_PROCESSOR(name, parameters, arguments)                                                               \
    void name parameters { name##_body arguments; }
#endif

/* The kinds by number, the fastest first; NULL behind the last. */
const char *variant_name(int index) {
#if defined(__x86_64__)
    static const char *const NAMES[] = {"avx512", "avx2", "generic"};
#else
    static const char *const NAMES[] = {"generic"};
#endif
    return index < (int)(sizeof(NAMES) / sizeof(NAMES[0])) ? NAMES[index] : 0;
}

/* Whether this processor is of a kind. */
int variant_supported(int index) {
#if defined(__x86_64__)
    return index == 0 ? HAS_AVX512 : index == 1 ? HAS_AVX2 : 1;
#else
    return index == 0;
#endif
}

int interface_version(void) { return INTERFACE; }
