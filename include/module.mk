include_HEADERS += include/lull.h

lullinclude_HEADERS += \
	include/lull/alloc.h \
	include/lull/barrier.h \
	include/lull/base.h \
	include/lull/heap.h \
	include/lull/object.h \
	include/lull/pacing.h \
	include/lull/roots.h \
	include/lull/stats.h \
	include/lull/thread.h
