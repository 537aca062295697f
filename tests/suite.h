/*
 * tests/suite.h: how every unit test's main makes and runs its suite.
 */
#ifndef LULL_TESTS_SUITE_H
#define LULL_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/*
 * A suite whose tests have four minutes each where the environment does not say (Check's own 4 s
 * are no limit for a loaded machine, or a sanitizer). The limit is for what hangs; no test may need
 * it to pass. To be called before tcase_create.
 */
static inline Suite *new_suite(const char *name) {
  setenv("CK_DEFAULT_TIMEOUT", "240", 0);
  return suite_create(name);
}

/*
 * Adds a test, run with _i from `from` up to `to` - 1, as a case of its own name, so that
 * CK_RUN_CASE runs it alone.
 */
static inline void add_case(Suite *suite, const char *name, const TTest *test, int from, int to) {
  TCase *tcase = tcase_create(name);
  tcase_add_loop_test(tcase, test, from, to);
  suite_add_tcase(suite, tcase);
}
#define ADD_CASE(suite, test, from, to) add_case(suite, #test, test, from, to)

/*
 * Runs the tests, each in a process of its own (CK_FORK=no: all in this one), and returns main's
 * status.
 */
static inline int run_suite(Suite *suite) {
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
