# One line per file, sorted: dist_man_MANS += doc/man/FILE or EXTRA_DIST += doc/FILE
