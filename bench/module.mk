# Benchmarks are built by `make bench-programs`, those that `make check` runs by that as well; by
# plain `make` none. A program is one file, and one line in a list below. (The rules are GNU make's
# static patterns; Automake would want four lines for each of hundreds.)
#
# A workload becomes a program for each memory manager, bench/workloads/NAME-MANAGER:
bench_workloads = \
	bench/workloads/alloc.c \
	bench/workloads/binarytrees.c \
	bench/workloads/cache.c \
	bench/workloads/churn.c \
	bench/workloads/documents.c \
	bench/workloads/gcbench.c \
	bench/workloads/pusher.c \
	bench/workloads/tree.c
EXTRA_DIST += bench/workloads/gate.h
EXTRA_DIST += bench/workloads/json.h

# Workloads whose objects die at once have one in the recycled buffer too, NAME-recycle.
bench_workloads_recycle = \
	bench/workloads/alloc.c

# Programs that measure a part of the library itself, on Lull alone: bench/micro/NAME.
bench_micro = \
	bench/micro/barrier.c \
	bench/micro/create.c \
	bench/micro/handshakes.c \
	bench/micro/limit.c \
	bench/micro/marking.c \
	bench/micro/metadata.c \
	bench/micro/minor.c \
	bench/micro/roots.c \
	bench/micro/steps.c
EXTRA_DIST += bench/micro/cycle.h
EXTRA_DIST += bench/micro/forest.h
EXTRA_DIST += bench/micro/rounds.h

# As a file of its own it is a test and is distributed; it finds the programs in the build folder.
TESTS += bench/quick.sh
EXTRA_DIST += bench/quick.sh
check_DATA = $(bench_programs_lull) $(bench_programs_malloc)

EXTRA_LTLIBRARIES = bench/libbench.la
bench_libbench_la_SOURCES = \
	bench/common/crew.c \
	bench/common/crew.h \
	bench/common/fail.c \
	bench/common/fail.h \
	bench/common/line.c \
	bench/common/line.h \
	bench/common/measure.c \
	bench/common/measure.h \
	bench/common/pauses.c \
	bench/common/pauses.h \
	bench/common/process.c \
	bench/common/process.h

EXTRA_DIST += $(bench_workloads) $(bench_micro) \
	bench/README.md \
	bench/memory/boehm.h \
	bench/memory/bump.h \
	bench/memory/handle.h \
	bench/memory/lull.h \
	bench/memory/malloc.h \
	bench/memory/memory.h \
	bench/memory/plain.h \
	bench/memory/recycle.h

# The same workloads in other languages, and what runs and compares them all.
EXTRA_DIST += bench/harness/case.py
EXTRA_DIST += bench/harness/goals.py
EXTRA_DIST += bench/harness/machine.py
EXTRA_DIST += bench/harness/main.py
EXTRA_DIST += bench/harness/managers.py
EXTRA_DIST += bench/harness/minimal.py
EXTRA_DIST += bench/harness/page.py
EXTRA_DIST += bench/harness/parts.py
EXTRA_DIST += bench/harness/plan.py
EXTRA_DIST += bench/harness/plots.py
EXTRA_DIST += bench/harness/progress.py
EXTRA_DIST += bench/harness/readme.py
EXTRA_DIST += bench/harness/report.py
EXTRA_DIST += bench/harness/results.py
EXTRA_DIST += bench/harness/run.py
EXTRA_DIST += bench/harness/series.py
EXTRA_DIST += bench/harness/stats.py
EXTRA_DIST += bench/harness/tables.py
EXTRA_DIST += bench/harness/words.py
EXTRA_DIST += bench/peers/build.sh
EXTRA_DIST += bench/peers/go/alloc/main.go
EXTRA_DIST += bench/peers/go/bench/arguments.go
EXTRA_DIST += bench/peers/go/bench/check.go
EXTRA_DIST += bench/peers/go/bench/crew.go
EXTRA_DIST += bench/peers/go/bench/histogram.go
EXTRA_DIST += bench/peers/go/bench/measure.go
EXTRA_DIST += bench/peers/go/bench/pauses.go
EXTRA_DIST += bench/peers/go/bench/process.go
EXTRA_DIST += bench/peers/go/bench/random.go
EXTRA_DIST += bench/peers/go/bench/recorder.go
EXTRA_DIST += bench/peers/go/binarytrees/main.go
EXTRA_DIST += bench/peers/go/cache/main.go
EXTRA_DIST += bench/peers/go/churn/main.go
EXTRA_DIST += bench/peers/go/documents/main.go
EXTRA_DIST += bench/peers/go/documents/maker.go
EXTRA_DIST += bench/peers/go/documents/parser.go
EXTRA_DIST += bench/peers/go/documents/value.go
EXTRA_DIST += bench/peers/go/documents/writer.go
EXTRA_DIST += bench/peers/go/gcbench/main.go
EXTRA_DIST += bench/peers/go/go.mod
EXTRA_DIST += bench/peers/go/pusher/main.go
EXTRA_DIST += bench/peers/go/tree/main.go
EXTRA_DIST += bench/peers/java/Alloc.java
EXTRA_DIST += bench/peers/java/Arguments.java
EXTRA_DIST += bench/peers/java/Binarytrees.java
EXTRA_DIST += bench/peers/java/Cache.java
EXTRA_DIST += bench/peers/java/Check.java
EXTRA_DIST += bench/peers/java/Churn.java
EXTRA_DIST += bench/peers/java/Crew.java
EXTRA_DIST += bench/peers/java/DocumentMaker.java
EXTRA_DIST += bench/peers/java/Documents.java
EXTRA_DIST += bench/peers/java/Gcbench.java
EXTRA_DIST += bench/peers/java/Histogram.java
EXTRA_DIST += bench/peers/java/Json.java
EXTRA_DIST += bench/peers/java/JsonLine.java
EXTRA_DIST += bench/peers/java/JsonParser.java
EXTRA_DIST += bench/peers/java/JsonWriter.java
EXTRA_DIST += bench/peers/java/Measure.java
EXTRA_DIST += bench/peers/java/Pauses.java
EXTRA_DIST += bench/peers/java/Proc.java
EXTRA_DIST += bench/peers/java/Pusher.java
EXTRA_DIST += bench/peers/java/Recorder.java
EXTRA_DIST += bench/peers/java/SplitMix.java
EXTRA_DIST += bench/peers/java/Tree.java
EXTRA_DIST += bench/peers/ocaml/alloc.ml
EXTRA_DIST += bench/peers/ocaml/arguments.ml
EXTRA_DIST += bench/peers/ocaml/binarytrees.ml
EXTRA_DIST += bench/peers/ocaml/cache.ml
EXTRA_DIST += bench/peers/ocaml/check.ml
EXTRA_DIST += bench/peers/ocaml/churn.ml
EXTRA_DIST += bench/peers/ocaml/clock.ml
EXTRA_DIST += bench/peers/ocaml/clock_stubs.c
EXTRA_DIST += bench/peers/ocaml/crew.ml
EXTRA_DIST += bench/peers/ocaml/document_maker.ml
EXTRA_DIST += bench/peers/ocaml/documents.ml
EXTRA_DIST += bench/peers/ocaml/gcbench.ml
EXTRA_DIST += bench/peers/ocaml/histogram.ml
EXTRA_DIST += bench/peers/ocaml/json.ml
EXTRA_DIST += bench/peers/ocaml/json_parser.ml
EXTRA_DIST += bench/peers/ocaml/json_writer.ml
EXTRA_DIST += bench/peers/ocaml/measure.ml
EXTRA_DIST += bench/peers/ocaml/pauses.ml
EXTRA_DIST += bench/peers/ocaml/proc.ml
EXTRA_DIST += bench/peers/ocaml/pusher.ml
EXTRA_DIST += bench/peers/ocaml/recorder.ml
EXTRA_DIST += bench/peers/ocaml/splitmix.ml
EXTRA_DIST += bench/peers/ocaml/tree.ml

# Sanitizers would spoil the figures of the others, and know neither the inline assembly of epochs
# nor a collector that scans all memory.
bench_programs_lull = $(bench_workloads:.c=-lull) $(bench_micro:.c=)
if !SANITIZER
bench_programs_malloc = $(bench_workloads:.c=-malloc)
bench_programs_bump = $(bench_workloads:.c=-bump)
bench_programs_recycle = $(bench_workloads_recycle:.c=-recycle)
if HAVE_BDW_GC
bench_programs_boehm = $(bench_workloads:.c=-boehm)
endif
endif
bench_programs = $(bench_programs_lull) $(bench_programs_malloc) $(bench_programs_boehm) \
	$(bench_programs_bump) $(bench_programs_recycle)

BENCH_LIBS = bench/libbench.la stress/libstress.la liblull.la
bench_compile = $(AM_V_CC)$(MKDIR_P) $(@D) && $(COMPILE) -MMD -MP -MT $@ -MF $@.d -c -o $@ $<
bench_link = $(AM_V_CCLD)$(LINK) $< $(BENCH_LIBS)

$(bench_workloads:.c=-lull.o): %-lull.o: %.c
	$(bench_compile) -DBENCH_LULL
$(bench_micro:.c=.o): %.o: %.c
	$(bench_compile) -DBENCH_LULL
$(bench_workloads:.c=-malloc.o): %-malloc.o: %.c
	$(bench_compile) -DBENCH_MALLOC
$(bench_workloads:.c=-boehm.o): %-boehm.o: %.c
	$(bench_compile) -DBENCH_BOEHM $(BDW_GC_CFLAGS)
$(bench_workloads:.c=-bump.o): %-bump.o: %.c
	$(bench_compile) -DBENCH_BUMP
$(bench_workloads_recycle:.c=-recycle.o): %-recycle.o: %.c
	$(bench_compile) -DBENCH_RECYCLE
$(bench_programs): %: %.o $(BENCH_LIBS)
	$(bench_link) $(bench_libraries)
$(bench_programs_boehm): bench_libraries = $(BDW_GC_LIBS)

bench-programs: $(bench_programs)
.PHONY: bench-programs
bench_clean = $(bench_programs) $(bench_programs:=.o) $(bench_programs:=.o.d)
CLEANFILES += $(bench_clean) bench/libbench.la
-include $(bench_programs:=.o.d)
