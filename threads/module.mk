# One line per file, sorted: liblull_la_SOURCES += threads/FILE
liblull_la_SOURCES += threads/blocked.h
liblull_la_SOURCES += threads/handshake.h
liblull_la_SOURCES += threads/registry.h
liblull_la_SOURCES += threads/stop.h
liblull_la_SOURCES += threads/thread.h
