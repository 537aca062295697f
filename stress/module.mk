# A stress program is two lines, sorted by name; it links the shared public library:
#   noinst_PROGRAMS += stress/NAME
#   stress_NAME_SOURCES = stress/NAME.c
# A short run that belongs to `make check`: TESTS += stress/FILE (an executable script, also in EXTRA_DIST)
