# A unit test is three lines, sorted by name:
#   unit_tests += tests/test_NAME
#   tests_test_NAME_SOURCES = tests/test_NAME.c
#   tests_test_NAME_LDADD = $(UNIT_TEST_LIBS)
# Scripts, models and data: one line per file, EXTRA_DIST += tests/FILE
unit_tests += tests/test_collect
tests_test_collect_SOURCES = tests/fixture.h tests/test_collect.c
tests_test_collect_LDADD = $(UNIT_TEST_LIBS)
unit_tests += tests/test_stall
tests_test_stall_SOURCES = tests/fixture.h tests/test_stall.c
tests_test_stall_LDADD = $(UNIT_TEST_LIBS)
unit_tests += tests/test_version
tests_test_version_SOURCES = tests/test_version.c
tests_test_version_LDADD = $(UNIT_TEST_LIBS)

EXTRA_DIST += tests/install/check.sh
EXTRA_DIST += tests/install/consumer.c
EXTRA_DIST += tests/install/consumer.cc
EXTRA_DIST += tests/models/check.sh
EXTRA_DIST += tests/models/claim.pml
EXTRA_DIST += tests/models/start.pml
EXTRA_DIST += tests/models/weak.pml
EXTRA_DIST += tests/tsan.supp
