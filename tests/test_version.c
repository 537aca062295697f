/*
 * test_version.c: the library's version text agrees with the header's numbers and with the
 * package's.
 */
#include <lull/base.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "tests/suite.h"

START_TEST(text_has_the_header_numbers) {
  int major = -1, minor = -1, patch = -1, length = 0;
  ck_assert_int_eq(
      sscanf(lull_version(), "%d.%d.%d%n", &major, &minor, &patch, &length), 3);
  ck_assert_int_eq(lull_version()[length], '\0');
  ck_assert_int_eq(major, LULL_VERSION_MAJOR);
  ck_assert_int_eq(minor, LULL_VERSION_MINOR);
  ck_assert_int_eq(patch, LULL_VERSION_PATCH);
}
END_TEST

START_TEST(text_is_the_package_version) {
  ck_assert_str_eq(lull_version(), PACKAGE_VERSION);
}
END_TEST

int main(void) {
  Suite *suite = new_suite("version");
  TCase *tcase = tcase_create("version");
  tcase_add_test(tcase, text_has_the_header_numbers);
  tcase_add_test(tcase, text_is_the_package_version);
  suite_add_tcase(suite, tcase);
  return run_suite(suite);
}
