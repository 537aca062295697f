# An example is two lines, sorted by name; it links the shared public library:
#   noinst_PROGRAMS += examples/NAME/NAME
#   examples_NAME_NAME_SOURCES = examples/NAME/NAME.c
# A comparison program on Boehm's collector stands between `if HAVE_BDW_GC` and `endif`
# with _CPPFLAGS = $(AM_CPPFLAGS) $(BDW_GC_CFLAGS) and _LDADD = $(BDW_GC_LIBS).
# Short runs of all of them belong to `make check`: examples/quick.sh.
TESTS += examples/quick.sh
EXTRA_DIST += examples/quick.sh

noinst_PROGRAMS += examples/first/first
examples_first_first_SOURCES = examples/first/first.c

# textindex and its twins: the same index on Lull, on malloc and on Boehm's collector.
textindex_sources = \
	examples/textindex/bag.c \
	examples/textindex/bag.h \
	examples/textindex/check.c \
	examples/textindex/check.h \
	examples/textindex/compare.c \
	examples/textindex/compare.h \
	examples/textindex/documents.c \
	examples/textindex/documents.h \
	examples/textindex/files.c \
	examples/textindex/files.h \
	examples/textindex/key.h \
	examples/textindex/latency.c \
	examples/textindex/latency.h \
	examples/textindex/main.c \
	examples/textindex/map.c \
	examples/textindex/map.h \
	examples/textindex/memory.h \
	examples/textindex/objects.h \
	examples/textindex/options.c \
	examples/textindex/options.h \
	examples/textindex/postings.c \
	examples/textindex/postings.h \
	examples/textindex/queries.c \
	examples/textindex/queries.h \
	examples/textindex/random.h \
	examples/textindex/report.c \
	examples/textindex/report.h \
	examples/textindex/run.h \
	examples/textindex/tokens.c \
	examples/textindex/tokens.h \
	examples/textindex/workers.c \
	examples/textindex/workers.h
textindex_twin_sources = $(textindex_sources) \
	examples/textindex/twin.c \
	examples/textindex/twin.h
textindex_cppflags = $(AM_CPPFLAGS) -DTEXTINDEX_SOURCE='"$(abs_top_srcdir)"'

noinst_PROGRAMS += examples/textindex/textindex
examples_textindex_textindex_SOURCES = $(textindex_sources) \
	examples/textindex/memory_lull.c
examples_textindex_textindex_CPPFLAGS = $(textindex_cppflags)

# The twins are for figures, and sanitizers would spoil them: they know neither the inline assembly
# of the epochs nor a collector that scans all memory.
if !SANITIZER
noinst_PROGRAMS += examples/textindex/textindex-malloc
examples_textindex_textindex_malloc_SOURCES = $(textindex_twin_sources) \
	examples/textindex/twin_malloc.c
examples_textindex_textindex_malloc_CPPFLAGS = $(textindex_cppflags) -DTEXTINDEX_TWIN
examples_textindex_textindex_malloc_LDADD = $(CK_LIBS)

if HAVE_BDW_GC
noinst_PROGRAMS += examples/textindex/textindex-boehm
examples_textindex_textindex_boehm_SOURCES = $(textindex_twin_sources) \
	examples/textindex/twin_boehm.c
examples_textindex_textindex_boehm_CPPFLAGS = $(textindex_cppflags) -DTEXTINDEX_TWIN $(BDW_GC_CFLAGS)
examples_textindex_textindex_boehm_LDADD = $(BDW_GC_LIBS)
endif
endif

# Text for a machine without documentation.
EXTRA_DIST += examples/textindex/fallback/bees.txt
EXTRA_DIST += examples/textindex/fallback/bread.txt
EXTRA_DIST += examples/textindex/fallback/bridges.txt
EXTRA_DIST += examples/textindex/fallback/clocks.txt
EXTRA_DIST += examples/textindex/fallback/harbour.txt
EXTRA_DIST += examples/textindex/fallback/letters.txt
EXTRA_DIST += examples/textindex/fallback/libraries.txt
EXTRA_DIST += examples/textindex/fallback/maps.txt
EXTRA_DIST += examples/textindex/fallback/memory.txt
EXTRA_DIST += examples/textindex/fallback/music.txt
EXTRA_DIST += examples/textindex/fallback/rivers.txt
EXTRA_DIST += examples/textindex/fallback/snow.txt
