/*
 * epochs.pml: log words when epochs wrap, and their renewal.
 *
 * Modelled: one object with its log word of M values (16: the debug build's 4 bits);
 * epochs advance by 2, the window value of a cycle that starts in epoch k is
 * k+1, the next epoch k+2, all modulo M. Mutators store for ever; a store is the steps of the
 * barrier (compare, copy, re-check and publish, set the log) with no poll
 * between. The collector runs cycles for ever; each is a minor or a major, but
 * a major when LIMIT minors have run since the last one. The marker of a
 * major meets the object once: when its log is older than OLD, it renews it by
 * CAS to k. Objects are independent of each other, so that one is enough.
 * Sequentially consistent memory; the log is stored apart from the re-check.
 *
 * Bounds: none on cycles or stores (the state space is finite). MUTS mutators
 * (1 or 2). A major leaves no log older than OLD (M/2, as the design says; the
 * collector renews earlier, from M/4 on: OLD = M/4 - 1); n minors and the H2
 * after them make that OLD + 2(n+1), which must stay below M. So LIMIT is
 * (M-1-OLD)/2 - 1: with 16 bits 16382 minors for M/2, 24574 for M/4 - 1.
 *
 * Assertions:
 *  A  a store that takes the fast path finds the object logged in this epoch;
 *  B  a store of the window that finds the window value finds the object in
 *     rs(k+1);
 *  C  with one mutator, an object is logged once in an epoch.
 *
 * Run:
 *   spin -a [-DMUTS=1] [-DM=n] [-DOLD=n] [-DMUTANT=n] epochs.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  renewed to k+2, the epoch after H2
 *  2  no renewal
 *  3  [MUTS=1] renewed by a plain store, not by CAS (C: logged twice)
 *  4  one minor too many between two majors
 *  5  epochs advance by 1: the window value is the next epoch
 *  6  renewed only when older than OLD + M/4
 *  7  window values (odd) are not renewed
 *  8  renewed to k+1, the window value (must PASS: the window is over by then)
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   205,105, 16,286   MUTS=1: 29,965, 4,700   M=32: 1,673,157, 51,069
 *   OLD=3: 390,282, 20,166
 * Without the bound of one mutator mutant 3 passes A and B: a plain store costs
 * only a second log of the object.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef MUTS
#define MUTS 2
#endif
#ifndef M
#define M 16
#endif
#ifndef OLD
#define OLD (M/2)
#endif
#if MUTANT==4
#define LIMIT ((M - 1 - OLD)/2)
#else
#define LIMIT ((M - 1 - OLD)/2 - 1)
#endif
#if MUTANT==5
#define STEP 1
#else
#define STEP 2
#endif
#if MUTANT==6
#define OLDEST (OLD + M/4)
#else
#define OLDEST OLD
#endif
#if MUTANT==7
#define STALE(s) (AGE(epoch, s) > OLDEST && s % 2 == 0)
#else
#define STALE(s) (AGE(epoch, s) > OLDEST)
#endif
#define PLUS(e, n) ((e + n) % M)
#define AGE(e, l) ((e + M - l) % M)

#define RUN 0                   /* compares with its epoch */
#define WIN1 1                  /* the H1 window */

#define RQ_H1 1
#define RQ_H2 2
#define RQ_ACK 3                /* H3, F, IDLE: no effect on logs */

byte lg;                        /* the log word */
byte ep[MUTS], ph[MUTS], req[MUTS];

/* ghosts, relative to the collector's epoch, so that they stay finite */
bool logged[2];                 /* in the collector's epoch, in the one before */
bool inwin;                     /* in rs of the next epoch, by this window */
byte epoch;                     /* the collector's */

/* which of logged[] is mine: 1 while I have not acknowledged H2 */
#define MINE(m) (ep[m] != epoch)

proctype mutator(byte m) {
  bool slow;
  do
  :: atomic { req[m] != 0 ->
       if
       :: req[m] == RQ_H1 -> ph[m] = WIN1
       :: req[m] == RQ_H2 -> ph[m] = RUN; ep[m] = PLUS(ep[m], STEP)
       :: req[m] == RQ_ACK
       fi;
       req[m] = 0 }
  :: atomic { ph[m] == WIN1 ->                  /* a store in the window */
       if
       :: lg == PLUS(ep[m], 1) -> assert(inwin)         /* B */
       :: else -> inwin = true; slow = true
       fi };
     atomic { if :: slow -> lg = PLUS(ep[m], 1) :: else fi; slow = false }
  :: atomic { ph[m] == RUN ->                   /* a store */
       if
       :: lg == ep[m] -> assert(logged[MINE(m)])        /* A */
       :: else -> slow = true
       fi };
     if
     :: slow ->
        atomic {                                /* re-check, publish */
          if
          :: lg != ep[m] ->
#if MUTS==1
             assert(!logged[MINE(m)]);          /* C */
#endif
             logged[MINE(m)] = true
          :: else -> slow = false
          fi };
        atomic { if :: slow -> lg = ep[m] :: else fi; slow = false }
     :: else
     fi
  od
}

inline handshake(k) {
#if MUTS==1
  req[0] = k;
  req[0] == 0
#else
  atomic { req[0] = k; req[1] = k };
  req[0] == 0 && req[1] == 0
#endif
}

active proctype collector() {
  byte s, since, k;
  bool major;

  atomic {
    lg = PLUS(0, M - 1);                        /* any old log */
    run mutator(0);
#if MUTS==2
    run mutator(1)
#endif
  };
  do
  :: atomic {
       if
       :: major = true
       :: since < LIMIT -> major = false
       fi;
       inwin = false };
     handshake(RQ_H1);
     atomic { k = epoch; epoch = PLUS(epoch, STEP); logged[1] = logged[0]; logged[0] = false };
     handshake(RQ_H2);
     handshake(RQ_ACK);
     if
     :: major ->                                /* the marker meets the object */
        s = lg;
        atomic {
          if
          :: STALE(s) ->
#if MUTANT==2
             skip
#else
#if MUTANT==3
             lg = k
#elif MUTANT==1
             if :: lg == s -> lg = epoch :: else fi
#elif MUTANT==8
             if :: lg == s -> lg = PLUS(k, 1) :: else fi
#else
             if :: lg == s -> lg = k :: else fi
#endif
#endif
          :: else
          fi;
          s = 0; since = 0 }
     :: else -> since++
     fi;
     atomic { k = 0; major = false };
     handshake(RQ_ACK)
  od
}
