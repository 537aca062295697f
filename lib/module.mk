# One line per file, sorted: liblull_la_SOURCES += lib/FOLDER/FILE
liblull_la_SOURCES += lib/support/version.c
