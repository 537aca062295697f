/*
 * What it costs on this machine to make and to wake threads: medians of many times, in nanoseconds.
 */
#ifndef STRESS_MARKING_MACHINE_H
#define STRESS_MARKING_MACHINE_H

struct machine {
  double spawn;   /* to make a thread, for who makes it */
  double call;    /* to wake one who sleeps, for who wakes */
  double each;    /* for each one more who is woken by the same call */
  double wake;    /* from then until he runs */
};

struct machine machine_measure(void);

#endif
