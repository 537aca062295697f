/* Threads. A member's record is written before its thread exists, and read only until it is
 * joined. */
#include "bench/common/crew.h"

#include <stdlib.h>

#include "bench/common/fail.h"
#include "stress/common/check.h"

enum { CREW_MOST = 4096 };

static void *run_member(void *argument) {
  struct crew_member *member = argument;

  member->work(member);
  return NULL;
}

void crew_require(uint64_t count) {
  bench_require(count > 0 && count <= CREW_MOST, "--threads must be 1 to 4096");
}

void crew_run(uint64_t count, void (*work)(struct crew_member *), void *data) {
  struct crew_member *members = stress_calloc(count, sizeof *members);

  for (unsigned i = 0; i < count; i++) {
    members[i] =
        (struct crew_member){.index = i, .count = (unsigned)count, .data = data, .work = work};
    STRESS_CHECK(pthread_create(&members[i].system, NULL, run_member, &members[i]) == 0,
                 "thread %u of %u cannot be made", i, (unsigned)count);
  }
  for (unsigned i = 0; i < count; i++)
    STRESS_CHECK(pthread_join(members[i].system, NULL) == 0, "thread %u cannot be joined", i);
  free(members);
}
