/* One piece of code for several kinds of processor, chosen at run time: the compiler's own vectors are enough here. */

#if !defined(__GNUC__)
#error "needs the attributes of GCC or Clang"
#endif

#include <stdint.h>

#define BODY static inline __attribute__((always_inline))

/* Define a function from `name_body`, compiled once for each kind; its first parameter, `variant`, chooses. */
#if defined(__x86_64__)
#define FOR_EVERY_PROCESSOR(name, parameters, arguments)                                                               \
    __attribute__((target("avx2,fma"))) static void name##_avx2 parameters { name##_body arguments; }                  \
    static void name##_generic parameters { name##_body arguments; }                                                   \
    void name parameters {                                                                                             \
        if (variant)                                                                                                   \
            name##_generic arguments;                                                                                  \
        else                                                                                                           \
            name##_avx2 arguments;                                                                                     \
    }
#define HAS_FASTER (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define FOR_EVERY_PROCESSOR(name, parameters, arguments)                                                               \
    void name parameters { name##_body arguments; }
#define HAS_FASTER 0
#endif

/* The variant for this processor: 0 the faster one, 1 the one for all. */
int best_variant(void) { return HAS_FASTER ? 0 : 1; }

/* Which arguments the functions take. */
int interface_version(void) { return INTERFACE; }
