/* Clocks in nanoseconds, which OCaml's own library has not. They touch no OCaml values. */
#include <caml/mlvalues.h>
#include <stdint.h>
#include <time.h>

static intnat read_clock(clockid_t clock) {
  struct timespec now;

  clock_gettime(clock, &now);
  return (intnat)now.tv_sec * 1000000000 + (intnat)now.tv_nsec;
}

intnat bench_clock_wall(value unit) {
  (void)unit;
  return read_clock(CLOCK_MONOTONIC);
}

intnat bench_clock_process(value unit) {
  (void)unit;
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

intnat bench_clock_thread(value unit) {
  (void)unit;
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* What bytecode would call; the programs are native code. */
value bench_clock_bytecode(value unit) {
  (void)unit;
  return Val_long(0);
}
