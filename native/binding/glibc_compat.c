/* glibc gave new versions to old functions when it merged libpthread and libdl (2.34), dropped the wrappers of stat
 * (2.33) and changed the error handling of some maths (2.29). The old versions still exist in every glibc, so calls
 * are bound to them and the addon loads from glibc 2.28 on. The build reads the lines below that begin with WRAP and
 * passes
 * --wrap=NAME for each: a call of NAME arrives at __wrap_NAME, which forwards to NAME@OLD_VERSION.
 * test/package checks the result; a symbol that it names needs one more line here. */

#include <pthread.h>
#include <time.h>

#define WRAP(name, version, result, parameters, arguments)                \
  extern result name##_old parameters;                                    \
  __asm__(".symver " #name "_old," #name "@" version);                    \
  __attribute__((visibility("hidden"))) result __wrap_##name parameters { \
    return name##_old arguments;                                          \
  }

/* libstdc++ asks this flag (2.32) whether it may skip atomic operations. Node always has threads. */
__attribute__((visibility("hidden"))) char __libc_single_threaded = 0;

WRAP(pthread_create, "GLIBC_2.2.5", int, (void* thread, const void* attr, void* (*start)(void*), void* arg),
     (thread, attr, start, arg))
WRAP(pthread_join, "GLIBC_2.2.5", int, (unsigned long thread, void** result), (thread, result))
WRAP(pthread_detach, "GLIBC_2.2.5", int, (unsigned long thread), (thread))
WRAP(pthread_mutex_trylock, "GLIBC_2.2.5", int, (void* mutex), (mutex))
WRAP(pthread_mutexattr_init, "GLIBC_2.2.5", int, (void* attr), (attr))
WRAP(pthread_mutexattr_settype, "GLIBC_2.2.5", int, (void* attr, int type), (attr, type))
WRAP(pthread_mutexattr_destroy, "GLIBC_2.2.5", int, (void* attr), (attr))
WRAP(pthread_once, "GLIBC_2.2.5", int, (void* control, void (*routine)(void)), (control, routine))
WRAP(__pthread_key_create, "GLIBC_2.2.5", int, (void* key, void (*destroy)(void*)), (key, destroy))
WRAP(pthread_getspecific, "GLIBC_2.2.5", void*, (unsigned key), (key))
WRAP(pthread_setspecific, "GLIBC_2.2.5", int, (unsigned key, const void* value), (key, value))
WRAP(dlopen, "GLIBC_2.2.5", void*, (const char* file, int mode), (file, mode))
WRAP(dlsym, "GLIBC_2.2.5", void*, (void* handle, const char* name), (handle, name))
WRAP(dlclose, "GLIBC_2.2.5", int, (void* handle), (handle))
WRAP(dlerror, "GLIBC_2.2.5", char*, (void), ())
WRAP(dladdr, "GLIBC_2.2.5", int, (const void* address, void* info), (address, info))
WRAP(pow, "GLIBC_2.2.5", double, (double base, double exponent), (base, exponent))
WRAP(exp, "GLIBC_2.2.5", double, (double x), (x))
WRAP(log, "GLIBC_2.2.5", double, (double x), (x))
WRAP(exp2, "GLIBC_2.2.5", double, (double x), (x))
WRAP(log2, "GLIBC_2.2.5", double, (double x), (x))
WRAP(hypot, "GLIBC_2.2.5", double, (double x, double y), (x, y))

/* Waiting by a chosen clock came with 2.30. Before, conditions wait by the clock on the wall; when somebody sets it, a
 * wait is shorter or longer by as much, and those who wait look at their own clock again. */
#define WRAP_CLOCK_WAIT(name, old)                                                                           \
  __attribute__((visibility("hidden"))) int __wrap_##name(pthread_cond_t* condition, pthread_mutex_t* mutex, \
                                                          clockid_t clock, const struct timespec* until) {   \
    struct timespec now, wall;                                                                               \
    clock_gettime(clock, &now);                                                                              \
    clock_gettime(CLOCK_REALTIME, &wall);                                                                    \
    wall.tv_sec += until->tv_sec - now.tv_sec;                                                               \
    wall.tv_nsec += until->tv_nsec - now.tv_nsec;                                                            \
    if (wall.tv_nsec < 0) {                                                                                  \
      wall.tv_nsec += 1000000000;                                                                            \
      --wall.tv_sec;                                                                                         \
    }                                                                                                        \
    if (wall.tv_nsec >= 1000000000) {                                                                        \
      wall.tv_nsec -= 1000000000;                                                                            \
      ++wall.tv_sec;                                                                                         \
    }                                                                                                        \
    return old(condition, mutex, &wall);                                                                     \
  }

WRAP_CLOCK_WAIT(pthread_cond_clockwait, pthread_cond_timedwait)

/* Before 2.33 these were inline calls of older functions that take the version of the structure first; 1 on x86-64. */
#define WRAP_PATH_STAT(name, old)                                                           \
  extern int old(int version, const char* path, void* result);                              \
  __attribute__((visibility("hidden"))) int __wrap_##name(const char* path, void* result) { \
    return old(1, path, result);                                                            \
  }
#define WRAP_FILE_STAT(name, old)                                                   \
  extern int old(int version, int file, void* result);                              \
  __attribute__((visibility("hidden"))) int __wrap_##name(int file, void* result) { \
    return old(1, file, result);                                                    \
  }

WRAP_PATH_STAT(stat, __xstat)
WRAP_PATH_STAT(stat64, __xstat64)
WRAP_PATH_STAT(lstat, __lxstat)
WRAP_PATH_STAT(lstat64, __lxstat64)
WRAP_FILE_STAT(fstat, __fxstat)
WRAP_FILE_STAT(fstat64, __fxstat64)
