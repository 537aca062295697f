/*
 * version.c: the version that a program was linked with, which can differ from
 * the LULL_VERSION_* numbers that it was compiled with. Constant.
 */
#include <lull/base.h>

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

const char *lull_version(void) {
  return TEXT(LULL_VERSION_MAJOR) "." TEXT(LULL_VERSION_MINOR) "." TEXT(LULL_VERSION_PATCH);
}
