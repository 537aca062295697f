# What configure asks that is particular to Lull. Each refusal is one sentence
# that says what is missing and how a Debian system gets it.

# LULL_ARG_DEBUG: --enable-debug. Comes before AC_PROG_CC, which would set its own CFLAGS.
AC_DEFUN([LULL_ARG_DEBUG], [
  AC_ARG_ENABLE([debug],
    [AS_HELP_STRING([--enable-debug], [invariants are checked at run time; -O1 -g unless CFLAGS is set])],
    [], [enable_debug=no])
  LULL_DEBUG_CPPFLAGS=
  AS_IF([test "x$enable_debug" != xno],
    [: ${CFLAGS="-O1 -g"}
     LULL_DEBUG_CPPFLAGS=-DLULL_DEBUG=1],
    [: ${CFLAGS="-O2 -g"}])
  AC_SUBST([LULL_DEBUG_CPPFLAGS])
])

# LULL_CHECK_TARGET: the object layout and the memory-ordering argument hold for these machines only.
AC_DEFUN([LULL_CHECK_TARGET], [
  AC_MSG_CHECKING([for 64-bit little-endian Linux on x86-64 or arm64])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
#if !defined(__linux__) || !defined(__LP64__) || \
    !(defined(__x86_64__) || defined(__aarch64__)) || \
    __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "not supported"
#endif
]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([Lull runs on 64-bit little-endian Linux on x86-64 or arm64 only, and this compiler targets something else.])])
])

# LULL_CHECK_COMPILER: gcc or clang with C11 atomics that need no helper library for 16, 32 and 64 bits.
AC_DEFUN([LULL_CHECK_COMPILER], [
  AC_MSG_CHECKING([for gcc or clang with lock-free C11 atomics])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stdatomic.h>
#include <stdint.h>
#ifndef __GNUC__
#error "neither gcc nor clang"
#endif
_Static_assert(ATOMIC_SHORT_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2,
               "atomics with locks");
static _Atomic uint16_t half;
static _Atomic uint64_t word;
]], [[
  uint64_t expected = 0;
  atomic_store_explicit(&half, 1, memory_order_release);
  return !atomic_compare_exchange_strong(&word, &expected, 1);
]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([Lull needs gcc or clang with lock-free C11 atomics, and $CC does not offer them.])])
])

# LULL_WARNINGS: the warnings that the sources are kept free of; --enable-werror makes them fatal.
AC_DEFUN([LULL_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [treat compiler warnings as errors])], [], [enable_werror=no])
  WARNING_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wpointer-arith -Wwrite-strings"
  AS_IF([test "x$enable_werror" != xno], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
  AC_SUBST([WARNING_CFLAGS])
])

# LULL_ARG_SANITIZER: --enable-sanitizer=LIST with the compiler's names. A shared library
# takes the sanitizer's own symbols from the program, so -z defs is for plain builds.
AC_DEFUN([LULL_ARG_SANITIZER], [
  AC_ARG_ENABLE([sanitizer],
    [AS_HELP_STRING([--enable-sanitizer=LIST], [address,undefined or thread])], [], [enable_sanitizer=no])
  SANITIZER_CFLAGS=
  DEFS_LDFLAGS="-Wl,-z,defs"
  AS_CASE([$enable_sanitizer],
    [no], [],
    [yes], [AC_MSG_ERROR([--enable-sanitizer needs a list: address,undefined or thread.])],
    [SANITIZER_CFLAGS="-fsanitize=$enable_sanitizer -fno-omit-frame-pointer"
     DEFS_LDFLAGS=
     AS_CASE([$enable_sanitizer], [*undefined*],
       [SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-sanitize-recover=undefined"])
     save_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS $SANITIZER_CFLAGS"
     AC_MSG_CHECKING([whether $CC accepts -fsanitize=$enable_sanitizer])
     AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
       [AC_MSG_RESULT([yes])],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR([$CC cannot compile and link with -fsanitize=$enable_sanitizer.])])
     CFLAGS=$save_CFLAGS])
  AM_CONDITIONAL([SANITIZER], [test "x$enable_sanitizer" != xno])
  AC_SUBST([SANITIZER_CFLAGS])
  AC_SUBST([DEFS_LDFLAGS])
])

# LULL_CHECK_DEPENDENCIES: threads, liburcu (urcu-bp, and wfstack in urcu-common), ConcurrencyKit.
AC_DEFUN([LULL_CHECK_DEPENDENCIES], [
  PKG_CHECK_MODULES([URCU], [liburcu-bp >= 0.12], [],
    [AC_MSG_ERROR([Lull needs liburcu 0.12 or later (pkg-config module liburcu-bp; Debian package liburcu-dev).])])
  PKG_CHECK_MODULES([CK], [ck >= 0.7.0], [],
    [AC_MSG_ERROR([Lull needs ConcurrencyKit 0.7 or later (pkg-config module ck; Debian package libck-dev).])])

  save_CFLAGS=$CFLAGS save_LIBS=$LIBS
  CFLAGS="$CFLAGS -pthread $URCU_CFLAGS $CK_CFLAGS"
  LIBS="$URCU_LIBS $CK_LIBS $LIBS"
  AC_MSG_CHECKING([whether a program links with threads, urcu-bp, wfstack and ck_ec])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <pthread.h>
#include <urcu-bp.h>
#include <urcu/wfstack.h>
#include <ck_ec.h>
static void *run(void *arg) { return arg; }
]], [[
  pthread_t thread;
  struct cds_wfs_stack stack;
  struct ck_ec32 event;
  if (pthread_create(&thread, NULL, run, NULL) || pthread_join(thread, NULL))
    return 1;
  rcu_read_lock();
  rcu_read_unlock();
  cds_wfs_init(&stack);
  ck_ec32_init(&event, 0);
  return __cds_wfs_pop_all(&stack) != NULL || ck_ec32_value(&event) != 0;
]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([a program cannot be linked with the installed liburcu and ConcurrencyKit; config.log shows the linker's message.])])
  CFLAGS=$save_CFLAGS LIBS=$save_LIBS
])

# LULL_CHECK_OPTIONAL: what only tests and comparison programs use.
AC_DEFUN([LULL_CHECK_OPTIONAL], [
  PKG_CHECK_MODULES([CHECK], [check >= 0.15],
    [have_check=yes lull_check_notice="yes, with Check"],
    [have_check=no lull_check_notice="SKIPPED: Check 0.15 or later is not installed (Debian package check)"])
  AM_CONDITIONAL([HAVE_CHECK], [test $have_check = yes])

  PKG_CHECK_MODULES([BDW_GC], [bdw-gc],
    [have_bdw_gc=yes lull_gc_notice=yes],
    [have_bdw_gc=no lull_gc_notice="no (Debian package libgc-dev)"])
  AM_CONDITIONAL([HAVE_BDW_GC], [test $have_bdw_gc = yes])
])
