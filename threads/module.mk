# One line per file, sorted: liblull_la_SOURCES += threads/FILE
