# One line per file, sorted: dist_man_MANS += doc/man/FILE or EXTRA_DIST += doc/FILE
EXTRA_DIST += README.md
EXTRA_DIST += doc/design/README.md
EXTRA_DIST += doc/design/api.md
EXTRA_DIST += doc/design/ordering.md
EXTRA_DIST += doc/design/pacing.md
EXTRA_DIST += doc/design/protocol.md
