# An example is two lines, sorted by name; it links the shared public library:
#   noinst_PROGRAMS += examples/NAME/NAME
#   examples_NAME_NAME_SOURCES = examples/NAME/NAME.c
# A comparison program on Boehm's collector stands between `if HAVE_BDW_GC` and `endif`
# with _CPPFLAGS = $(AM_CPPFLAGS) $(BDW_GC_CFLAGS) and _LDADD = $(BDW_GC_LIBS).
