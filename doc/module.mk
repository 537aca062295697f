# One line per file, sorted: dist_man_MANS += doc/man/FILE or EXTRA_DIST += doc/FILE
EXTRA_DIST += README.md
EXTRA_DIST += doc/design/README.md
EXTRA_DIST += doc/design/api.md
EXTRA_DIST += doc/design/defects.md
EXTRA_DIST += doc/design/generations.md
EXTRA_DIST += doc/design/handshakes.md
EXTRA_DIST += doc/design/heap.md
EXTRA_DIST += doc/design/models.md
EXTRA_DIST += doc/design/modes.md
EXTRA_DIST += doc/design/ordering.md
EXTRA_DIST += doc/design/pacing.md
EXTRA_DIST += doc/design/performance.md
EXTRA_DIST += doc/design/protocol.md
EXTRA_DIST += doc/design/roots.md
EXTRA_DIST += doc/design/scaling.md
EXTRA_DIST += doc/design/verifier.md
EXTRA_DIST += doc/guide.md
dist_man_MANS += doc/man/lull.7
dist_man_MANS += doc/man/lull_alloc.3
dist_man_MANS += doc/man/lull_barrier.3
dist_man_MANS += doc/man/lull_base.3
dist_man_MANS += doc/man/lull_heap.3
dist_man_MANS += doc/man/lull_object.3
dist_man_MANS += doc/man/lull_options.7
dist_man_MANS += doc/man/lull_pacing.3
dist_man_MANS += doc/man/lull_roots.3
dist_man_MANS += doc/man/lull_stats.3
dist_man_MANS += doc/man/lull_thread.3

# The documents against the sources.
dist_check_SCRIPTS += tests/docs/check.sh
TESTS += tests/docs/check.sh
EXTRA_DIST += tools/option-rows

# The code of the guide is a program.
check_PROGRAMS += tests/docs/guide
TESTS += tests/docs/guide
nodist_tests_docs_guide_SOURCES = tests/docs/guide.c
EXTRA_DIST += tools/c-blocks
CLEANFILES = tests/docs/guide.c
tests/docs/guide.c: $(top_srcdir)/doc/guide.md $(top_srcdir)/tools/c-blocks
	$(AM_V_GEN)$(MKDIR_P) tests/docs && $(top_srcdir)/tools/c-blocks $(top_srcdir)/doc/guide.md >$@.new && mv $@.new $@
