/*
 * crew.h: threads that run the same function. They know nothing of the memory manager: the function
 * calls mem_enter and mem_leave.
 */
#ifndef BENCH_COMMON_CREW_H
#define BENCH_COMMON_CREW_H

#include <pthread.h>
#include <stdint.h>

struct crew_member {
  unsigned index; /* from 0 */
  unsigned count; /* members of the crew */
  void *data;     /* the crew's */
  void (*work)(struct crew_member *);
  pthread_t system;
};

/* Refuses a count that is none; for the command line. */
void crew_require(uint64_t count);

/* Starts `count` threads that run `work`, and waits for all. The calling thread has not entered, or
 * is between mem_block and mem_unblock. */
void crew_run(uint64_t count, void (*work)(struct crew_member *), void *data);

#endif
