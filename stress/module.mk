# A stress program links what the programs have in common and the shared public library:
#   noinst_PROGRAMS += stress/NAME
#   stress_NAME_SOURCES = stress/NAME.c
#   stress_NAME_LDADD = $(STRESS_LIBS)
# Short runs of all of them belong to `make check`: stress/quick.sh.
noinst_LTLIBRARIES = stress/libstress.la
stress_libstress_la_SOURCES = \
	stress/common/arguments.c \
	stress/common/arguments.h \
	stress/common/check.c \
	stress/common/check.h \
	stress/common/clock.h \
	stress/common/figures.c \
	stress/common/figures.h \
	stress/common/heap.c \
	stress/common/heap.h \
	stress/common/log.c \
	stress/common/log.h \
	stress/common/random.h \
	stress/common/sanitizer.h \
	stress/common/team.c \
	stress/common/team.h

STRESS_LIBS = stress/libstress.la liblull.la

noinst_PROGRAMS += stress/badinput
stress_badinput_SOURCES = stress/badinput.c
stress_badinput_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/deep
stress_deep_SOURCES = stress/deep.c
stress_deep_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/handoff
stress_handoff_SOURCES = stress/handoff.c
stress_handoff_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/handshakes
stress_handshakes_SOURCES = stress/handshakes.c
stress_handshakes_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/limit
stress_limit_SOURCES = stress/limit.c
stress_limit_LDADD = $(STRESS_LIBS)
# The simulator drives lib/cycle/policy.h, which no public header has.
noinst_PROGRAMS += stress/pacing
stress_pacing_SOURCES = stress/pacing.c \
	stress/simulator/grid.c \
	stress/simulator/grid.h \
	stress/simulator/picture.c \
	stress/simulator/text.h \
	stress/simulator/world.c \
	stress/simulator/world.h
stress_pacing_LDADD = stress/libstress.la liblull-core.la -lm
noinst_PROGRAMS += stress/scaling
stress_scaling_SOURCES = stress/scaling.c \
	stress/marking/curves.c \
	stress/marking/curves.h \
	stress/marking/engine.c \
	stress/marking/engine.h \
	stress/marking/graph.c \
	stress/marking/graph.h \
	stress/marking/machine.c \
	stress/marking/machine.h
stress_scaling_LDADD = $(STRESS_LIBS) -lm
noinst_PROGRAMS += stress/storm
stress_storm_SOURCES = stress/storm.c
stress_storm_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/stuck
stress_stuck_SOURCES = stress/stuck.c
stress_stuck_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/torture
stress_torture_SOURCES = stress/torture.c \
	stress/mutators/census.c \
	stress/mutators/choice.c \
	stress/mutators/control.c \
	stress/mutators/graph.c \
	stress/mutators/graph.h \
	stress/mutators/lives.c \
	stress/mutators/mutator.h \
	stress/mutators/operations.c \
	stress/mutators/parcel.c \
	stress/mutators/private.c \
	stress/mutators/roots.c \
	stress/mutators/rounds.c \
	stress/mutators/rounds.h \
	stress/mutators/shared.c \
	stress/mutators/things.c \
	stress/mutators/things.h
stress_torture_LDADD = $(STRESS_LIBS)
noinst_PROGRAMS += stress/wide
stress_wide_SOURCES = stress/wide.c
stress_wide_LDADD = $(STRESS_LIBS)

# As a file of its own it is a test and is distributed; it finds the programs in the build folder.
TESTS += stress/quick.sh
EXTRA_DIST += stress/quick.sh
