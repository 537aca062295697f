/*
 * drive.pml: who drives a cycle: the collector thread (concurrent mode), or in steps any thread
 * that gets the driver's lock (incremental mode); handing over; the last thread that leaves;
 * switching between the modes.
 *
 * Modelled: a cycle is HANDSHAKES handshakes; `at` is the one that is armed, 0 between cycles. It
 * is the heap's, with the snapshot and the requests (asked), so who holds the lock can go on
 * where another stopped. In incremental mode a thread may take a step at any time: it tries the
 * lock, looks at the mode again, acknowledges its own request, acts for blocked threads, and if
 * all have acknowledged arms the next handshake or ends the cycle; then it gives the lock back,
 * whether all had acknowledged or not. It begins a cycle when one is wanted. The collector in
 * concurrent mode keeps the lock for a whole cycle. A thread that collects and waits drives in
 * incremental mode; in concurrent mode it waits for progress, BLOCKED, and looks at the mode
 * again when woken. Between two cycles a thread may switch the mode, holding the lock; if a cycle
 * is under way it drives it to its end first, or waits for the lock, BLOCKED. A switch wakes the
 * collector and those that wait. A thread leaves when its request is acknowledged; if it is the
 * last, what is under way stays as it is, and the next that joins goes on. Joining adopts what is
 * armed (join.pml). Acting for a blocked thread is one step (claim.pml has the claim); events are
 * kept as "moved since the waiter read the value" (park.pml). Sequentially consistent memory.
 *
 * Bounds: 2 threads; OPS operations in each registration (a request; collect and wait; switch; a
 * blocked region), LIVES registrations after the first; then a thread is blocked or has left.
 * Steps without bound. The mode at the start is either.
 *
 * Assertions:
 *  A  each thread of the snapshot acknowledges a handshake once, and no other does;
 *  B  when the next step begins, all have, and every thread is in the phase of the handshake;
 *  C  only whoever holds the lock drives, a mutator in incremental mode only, the collector in
 *     concurrent mode only;
 *  D  a cycle ends after its last handshake, and not twice;
 *  E  no invalid end state: who waits for a cycle, or for the lock, goes on.
 *
 * Run:
 *   spin -a [-DOPS=n] [-DLIVES=n] [-DHANDSHAKES=n] [-DMUTANT=n] drive.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail:
 *  1  a step does not take the lock
 *  2  the driver leaves itself out when it looks whether all have acknowledged
 *  3  the driver runs its own closure, and leaves its request for its next poll
 *  4  the driver looks whether all have acknowledged before it takes the lock
 *  5  who arms a handshake keeps the lock until all have acknowledged
 *  6  only the thread that began a cycle goes on with it
 *  7  the last thread that leaves drops the cycle under way
 *  8  the last thread that leaves says that the cycle under way has ended
 *  9  a switch does not wake the collector
 * 10  a switch does not wake those that wait for a cycle
 * 11  a switch in the middle of a cycle
 * 12  the mode is looked at before the lock is taken, not after
 * 13  who waits in incremental mode does not drive
 * 14  a thread leaves with an open request
 * 15  a switch without the lock
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   1,818,451, 223   HANDSHAKES=3: 2,562,434, 299   LIVES=2: @L@   OPS=2: @O@
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef LIVES
#define LIVES 1
#endif
#ifndef HANDSHAKES
#define HANDSHAKES 2
#endif

#define OUT 0
#define RUNNING 1
#define BLOCKED 2

#define C 2                     /* the collector, as a driver */

byte state[2] = RUNNING;
bool asked[2];                  /* has a request that it has not acknowledged */
byte ph[2];                     /* the handshake that it acknowledged last, or adopted */
byte at;
byte wanted, begun, ended;
bool incremental;
bool lock;
bool wake = true, progress[2] = true;   /* events: moved since the waiter read the value */
#if MUTANT==6
byte owner;
#define MINE(m) (at == 0 || owner == m)
#else
#define MINE(m) true
#endif

/* ghosts */
bool snap[2], ran[2];
byte drivers;                   /* that are inside a step */
byte done = HANDSHAKES;         /* handshakes of the cycle that began last */
#if MUTANT==5
byte holder;                    /* m + 1 */
#endif

inline signal_progress() { progress[0] = true; progress[1] = true }

/* the closure and the acknowledgement */
inline acknowledge(t) {
  assert(asked[t] && snap[t] && !ran[t]);       /* A */
  ran[t] = true; ph[t] = at; asked[t] = false
}

inline arm(k) {
  assert(!asked[0] && !asked[1]);               /* B */
  at = k;
  snap[0] = (state[0] != OUT); asked[0] = snap[0]; ran[0] = false;
  snap[1] = (state[1] != OUT); asked[1] = snap[1]; ran[1] = false
}

/* all have acknowledged: what comes next */
inline advance(m) {
  assert((!snap[0] || ran[0]) && (!snap[1] || ran[1]));                                 /* B */
  assert((state[0] == OUT || ph[0] == at) && (state[1] == OUT || ph[1] == at));
  assert(at != 0 && begun == ended + 1);        /* D */
  assert(incremental == (m != C));              /* C */
  done++;
  if
  :: at < HANDSHAKES -> arm(at + 1)
  :: else -> at = 0; ended++; signal_progress()
  fi
}

inline begin(m) {
  assert(begun == ended && done == HANDSHAKES); /* D */
  assert(incremental == (m != C));              /* C */
  done = 0;
  begun++;
#if MUTANT==6
  owner = m;
#endif
  arm(1)
}

inline act_for(t) {
  atomic { if :: asked[t] && state[t] == BLOCKED -> acknowledge(t) :: else fi }
}

#define OPEN(t, m) (asked[t] && !(MUTANT == 2 && t == m))
#define DUE (at == 0 && wanted > begun)
/* a step would change something */
#define CAN(t) (!asked[t] || state[t] == BLOCKED)
#define PROGRESS (DUE || at != 0 && CAN(0) && CAN(1))
#define SOME(m) MINE(m) && (DUE || at != 0 && (asked[0] && state[0] == BLOCKED || asked[1] && state[1] == BLOCKED || \
                 asked[m] || !asked[0] && !asked[1]))

/* one step of m, which holds the lock */
inline drive(m) {
  if
  :: at == 0 && wanted > begun -> atomic { begin(m) }
  :: at == 0 && wanted <= begun
  :: at != 0 ->
#if MUTANT==3
     atomic { if :: asked[m] -> assert(snap[m] && !ran[m]); ran[m] = true; ph[m] = at :: else fi };
     act_for(1-m);
     if
     :: !asked[1-m] && ran[m] -> atomic { asked[m] = false; advance(m); asked[m] = true }
     :: else
     fi
#else
#if MUTANT!=2
     atomic { if :: asked[m] -> acknowledge(m) :: else fi };
#endif
     act_for(1-m);
#if MUTANT==4
     if :: all -> atomic { advance(m) } :: else fi
#else
     if
     :: !OPEN(0, m) -> if :: !OPEN(1, m) -> atomic { advance(m) } :: else fi
     :: else
     fi
#endif
#endif
  fi
}

inline enter_drive() { drivers++; assert(drivers == 1) }        /* C */

/* a try of the lock, and a step */
inline step(m) {
#if MUTANT==1
  atomic { incremental -> enter_drive() };
  drive(m);
  atomic { drivers-- }
#elif MUTANT==12
  atomic { !lock -> lock = true; enter_drive() };
  drive(m);
  atomic { drivers--; lock = false }
#elif MUTANT==5
  atomic { !lock || holder == m + 1 -> lock = true; holder = m + 1; enter_drive() };
  if :: incremental -> drive(m) :: else fi;
  atomic { drivers--; if :: at == 0 || !asked[0] && !asked[1] -> lock = false; holder = 0 :: else fi }
#else
#if MUTANT==4
  all = !asked[0] && !asked[1] && at != 0;
#endif
  if
  :: atomic { !lock -> lock = true; enter_drive() };
     if
     :: incremental && MINE(m) -> drive(m)
     :: else
     fi;
     atomic { drivers--; lock = false }
  :: lock
  fi
#if MUTANT==4
  ; all = false
#endif
#endif
}

/* waits for cycle num */
inline wait_for_cycle(m) {
  do
  :: atomic { ended >= num -> progress[m] = true; break }
  :: atomic { ended < num && asked[m] -> acknowledge(m) }
#if MUTANT!=13
  :: ended < num && incremental && SOME(m) -> step(m)
#endif
  :: ended < num && !incremental ->
     atomic { progress[m] = false };            /* reads the event's value, looks again */
     if
     :: atomic { ended < num && !incremental && !asked[m] -> state[m] = BLOCKED };
        atomic { progress[m] -> state[m] = RUNNING }
     :: atomic { (ended >= num || incremental || asked[m]) -> progress[m] = true }
     fi
  od
}

inline switch_mode(m) {
  do
#if MUTANT==11
  :: atomic { !lock -> incremental = !incremental; wake = true; signal_progress(); break }
#elif MUTANT==15
  :: atomic { at == 0 -> incremental = !incremental; wake = true; signal_progress(); break }
#else
  :: atomic { !lock && at == 0 ->
       incremental = !incremental;
#if MUTANT!=9
       wake = true;
#endif
#if MUTANT!=10
       signal_progress();
#endif
       break }
#endif
  :: atomic { asked[m] -> acknowledge(m) }      /* as who waits for the lock, BLOCKED */
  :: incremental && !lock && at != 0 && SOME(m) -> step(m)
  od
}

proctype mutator(byte m) {
  byte n, lives, num;
#if MUTANT==4
  bool all;
#endif

  do
  :: atomic { state[m] == OUT && lives < LIVES ->       /* join, adopting what is armed */
       lives++; n = 0; state[m] = RUNNING; ph[m] = at }
  :: atomic { state[m] == OUT && lives >= LIVES -> break }
  :: atomic { state[m] == RUNNING && asked[m] -> acknowledge(m) }
  :: atomic { state[m] == RUNNING && n == OPS && !asked[m] -> state[m] = BLOCKED; break }

  :: state[m] == RUNNING && incremental && SOME(m) -> step(m)

  :: atomic { state[m] == RUNNING && n < OPS -> n++;    /* collect and wait */
       num = begun + 1;
       if :: wanted < num -> wanted = num; wake = true :: else fi };
     wait_for_cycle(m);
     num = 0

  :: atomic { state[m] == RUNNING && n < OPS && wanted <= begun -> n++;  /* a request */
       wanted = begun + 1; wake = true }

  :: state[m] == RUNNING && n < OPS -> n++;
     switch_mode(m)

  :: atomic { state[m] == RUNNING && n < OPS && !asked[m] -> n++; state[m] = BLOCKED };
     atomic { state[m] = RUNNING }

#if MUTANT==14
  :: atomic { state[m] == RUNNING -> asked[m] = false; state[m] = OUT }
#else
  :: atomic { state[m] == RUNNING && !asked[m] ->       /* leave */
#if MUTANT==7
       if :: state[1-m] == OUT && incremental && at != 0 && !lock -> at = 0 :: else fi;
#elif MUTANT==8
       if :: state[1-m] == OUT && incremental && at != 0 && !lock -> at = 0; ended++; signal_progress() :: else fi;
#endif
       state[m] = OUT }
#endif
  od
}

active proctype collector() {
  atomic {
    if :: incremental = true :: skip fi;
    run mutator(0); run mutator(1)
  };
end:
  do
  :: atomic { wake -> wake = false };
     do
     :: incremental || wanted <= begun -> break
     :: !incremental && wanted > begun ->
        atomic { !lock -> lock = true };
        if
        :: !incremental && wanted > begun ->
           atomic { enter_drive(); begin(C) };
           do
           :: at == 0 -> break
           :: at != 0 && PROGRESS ->
              act_for(0);
              act_for(1);
              if :: !asked[0] -> if :: !asked[1] -> atomic { advance(C) } :: else fi :: else fi
           od;
           atomic { drivers-- }
        :: else
        fi;
        lock = false
     od
  od
}
