/* The system's static codec archives are not position independent where they name stderr, stdout and stdin, so the
 * linker cannot put them into a shared object. Linked with --wrap, they use these hidden copies, filled before any
 * other constructor runs. This file is position independent and reaches the real streams through the GOT. */
#include <stdio.h>

extern FILE *__real_stderr, *__real_stdout, *__real_stdin;

__attribute__((visibility("hidden"))) FILE *__wrap_stderr, *__wrap_stdout, *__wrap_stdin;

__attribute__((constructor(101))) static void copy_streams(void) {
  __wrap_stderr = __real_stderr;
  __wrap_stdout = __real_stdout;
  __wrap_stdin = __real_stdin;
}
