/*
 * drive.pml: who drives a cycle: the collector thread, which comes and goes with the mode, or in
 * steps any thread that gets the driver's lock; handing over; the last thread that leaves; a
 * change of the mode at any time.
 *
 * Modelled: a cycle is HANDSHAKES handshakes; `at` is the one that is armed, 0 between cycles. It
 * is the heap's, with the snapshot and the requests (asked), so who holds the lock goes on where
 * another stopped. A thread at a slow path that sees a cycle under way, or one wanted and no
 * collector thread, takes a step: BLOCKED, it tries the lock, acts for all blocked threads,
 * itself among them, and if all have acknowledged it arms the next handshake or ends the cycle;
 * then it gives the lock back. In concurrent mode it starts the collector thread instead where
 * one is wanted. That thread drives to the end of a cycle with the lock held, also of one that
 * others began; it looks at the mode between two cycles, and leaves if that is not concurrent:
 * under thread_lock (here: in one step) it lowers `runs`, then it signals progress. Who collects
 * and waits drives to the end, BLOCKED, if there is no collector thread, else it waits for
 * progress, and looks again. Who asks for a cycle and does not wait starts the thread, if the
 * mode is concurrent. A change stores the mode, starts the thread where a cycle is wanted, and
 * signals wake and progress. A thread leaves when its request is acknowledged; if it is the last,
 * what is under way stays as it is, and the next that joins goes on. Joining adopts what is armed
 * (join.pml). Acting for a blocked thread is one step (claim.pml has the claim); events are kept
 * as "moved since the waiter read the value" (park.pml). Sequentially consistent memory.
 *
 * Bounds: 2 threads; OPS operations in each registration (a request; collect and wait; change the
 * mode; a blocked region), LIVES registrations after the first; then a thread is blocked or has
 * left. Steps without bound. The mode at the start is either, with no collector thread.
 *
 * Assertions:
 *  A  each thread of the snapshot acknowledges a handshake once, and no other does;
 *  B  when the next step begins, all have, and every thread is in the phase of the handshake;
 *  C  one drives at a time;
 *  D  a cycle ends after its last handshake, and not twice;
 *  E  no invalid end state: who waits for a cycle, or for the lock, goes on;
 *  F  when nothing goes on any more and the mode is concurrent, no cycle is wanted (a request
 *     that nobody waits for is lost otherwise).
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
 *  9  a collector thread that leaves signals nothing
 * 10  a collector thread that leaves signals before it lowers `runs`
 * 11  a change of the mode starts no thread
 * 12  a collector thread decides to leave and lowers `runs` in two steps
 * 13  who collects and waits does not drive when there is no thread
 * 14  a thread leaves with an open request
 * 15  a request that nobody waits for starts the thread first and is made then
 * 16  the collector thread begins a cycle whether one is under way or not
 * 17  a change of the mode drops the cycle under way
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   5,578,447, 268   OPS=2 LIVES=0: 2,398,065, 264   OPS=2 LIVES=0 HANDSHAKES=3: 3,458,239, 334
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

#define C 2                     /* the collector thread, as a driver */

byte state[2] = RUNNING;
bool asked[2];                  /* has a request that it has not acknowledged */
byte ph[2];                     /* the handshake that it acknowledged last, or adopted */
byte at;
byte wanted, begun, ended;
bool incremental;
bool runs;                      /* there is a collector thread */
bool lock;
bool wake = true, progress[2] = true;   /* events: moved since the waiter read the value */
#if MUTANT==6
byte owner;
#define MINE(m) (at == 0 || owner == m)
#else
#define MINE(m) true
#endif
#if MUTANT==5
byte holder;                    /* m + 1 */
#endif

/* ghosts */
bool snap[2], ran[2];
byte drivers;                   /* that are inside a step */
byte done = HANDSHAKES;         /* handshakes of the cycle that began last */
#if MUTANT==4
bool all[3];                    /* what one who has no lock yet saw */
#endif

#define UNDER_WAY (at != 0)
#define DUE (wanted > begun)

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
inline advance() {
  assert((!snap[0] || ran[0]) && (!snap[1] || ran[1]));                                 /* B */
  assert((state[0] == OUT || ph[0] == at) && (state[1] == OUT || ph[1] == at));
  assert(UNDER_WAY && begun == ended + 1);      /* D */
  done++;
  if
  :: at < HANDSHAKES -> arm(at + 1)
  :: else -> at = 0; ended++; signal_progress()
  fi
}

inline begin(m) {
  assert(begun == ended && done == HANDSHAKES); /* D */
  done = 0; begun++;
#if MUTANT==6
  owner = m;
#endif
  arm(1)
}

inline act_for(t) {
  if :: asked[t] && state[t] == BLOCKED -> acknowledge(t) :: else fi
}

/* a step would change something */
#define OPEN(t) (asked[t] && state[t] != BLOCKED)
#define SOME (!UNDER_WAY && DUE || UNDER_WAY && \
              (asked[0] && !OPEN(0) || asked[1] && !OPEN(1) || !asked[0] && !asked[1]))

/* one step of m, which holds the lock; a mutator's own state is BLOCKED */
#if MUTANT==2
#define ACKNOWLEDGED(t, m) (!asked[t] || t == m)
#elif MUTANT==3
#define ACKNOWLEDGED(t, m) (!asked[t] || t == m && ran[t])
#elif MUTANT==4
#define ACKNOWLEDGED(t, m) (all[m] || m == C && !asked[t])
#else
#define ACKNOWLEDGED(t, m) !asked[t]
#endif
inline drive(m) {
  atomic {
    if
    :: UNDER_WAY ->
#if MUTANT==2
       if :: m != 0 -> act_for(0) :: else fi;
       if :: m != 1 -> act_for(1) :: else fi
#elif MUTANT==3
       if :: m != 0 -> act_for(0) :: else fi;
       if :: m != 1 -> act_for(1) :: else fi;
       if :: m < C && asked[m] && !ran[m] -> ran[m] = true; ph[m] = at :: else fi
#else
       act_for(0); act_for(1)
#endif
    :: else
    fi };
  atomic {
    if
    :: UNDER_WAY && ACKNOWLEDGED(0, m) && ACKNOWLEDGED(1, m) -> advance()
    :: !UNDER_WAY && DUE -> begin(m)
    :: else
    fi }
}

inline enter_drive() { drivers++; assert(drivers == 1) }        /* C */

#if MUTANT==1
#define FREE(m) true
#elif MUTANT==5
#define FREE(m) (!lock || holder == m + 1)
#else
#define FREE(m) (!lock)
#endif

/* a try of the lock, and a step, BLOCKED */
inline step(m) {
#if MUTANT==4
  all[m] = UNDER_WAY && !OPEN(0) && !OPEN(1) && (!asked[1-m] || state[1-m] == BLOCKED);
#endif
  if
  :: atomic { FREE(m) -> state[m] = BLOCKED; lock = true; enter_drive();
#if MUTANT==5
       holder = m + 1
#endif
     };
     if :: MINE(m) -> drive(m) :: else fi;
     atomic {
       drivers--;
#if MUTANT==5
       if :: !UNDER_WAY || !asked[0] && !asked[1] -> lock = false; holder = 0 :: else fi;
#else
       lock = false;
#endif
       state[m] = RUNNING }
  :: !FREE(m)
  fi
#if MUTANT==4
  ; all[m] = false
#endif
}

/* in concurrent mode; under thread_lock */
inline start() {
  atomic { if :: !runs && !incremental -> runs = true; wake = true :: else fi }
}

/* holds the lock until cycle num has ended */
inline drive_to(m) {
  atomic { state[m] = BLOCKED };
  do
  :: ended >= num -> break
  :: atomic { ended < num && !lock -> lock = true; enter_drive() };
     do
     :: ended >= num -> break
     :: ended < num && SOME && MINE(m) -> drive(m)
     od;
     atomic { drivers--; lock = false }
  od;
  atomic { state[m] = RUNNING }
}

inline wait_for_cycle(m) {
  do
  :: atomic { true -> progress[m] = false };    /* reads the event's value, looks then */
     if
     :: atomic { ended >= num -> progress[m] = true; break }
#if MUTANT!=13
     :: ended < num && !runs -> drive_to(m)
#endif
     :: atomic { ended < num && runs -> state[m] = BLOCKED };
        atomic { progress[m] -> state[m] = RUNNING }
     fi
  od
}

inline change_mode() {
#if MUTANT==17
  atomic { if :: !lock -> at = 0; asked[0] = false; asked[1] = false :: else fi };
#endif
  incremental = !incremental;
#if MUTANT!=11
  if :: DUE -> start() :: else fi;
#endif
  wake = true;
  atomic { signal_progress() }
}

inline ask() {
  atomic { num = begun + 1 };
  atomic { if :: wanted < num -> wanted = num; wake = true :: else fi }
}

proctype mutator(byte m) {
  byte n, lives, num;

  do
  :: atomic { state[m] == OUT && lives < LIVES ->       /* join, adopting what is armed */
       lives++; n = 0; state[m] = RUNNING; ph[m] = at }
  :: atomic { state[m] == OUT && lives >= LIVES -> break }
  :: atomic { state[m] == RUNNING && asked[m] -> acknowledge(m) }
  :: atomic { state[m] == RUNNING && n == OPS && !asked[m] -> state[m] = BLOCKED; break }

  :: state[m] == RUNNING && UNDER_WAY && (SOME || asked[m]) && MINE(m) -> step(m)       /* a slow path */
  :: state[m] == RUNNING && !UNDER_WAY && DUE && !runs ->
     if
     :: incremental -> step(m)
     :: !incremental -> start()
     fi

  :: state[m] == RUNNING && n < OPS -> n++;             /* collect and wait */
     ask();
     wait_for_cycle(m);
     num = 0

  :: state[m] == RUNNING && n < OPS -> n++;             /* a request */
#if MUTANT==15
     start();
     ask();
#else
     ask();
     start();
#endif
     num = 0

  :: state[m] == RUNNING && n < OPS -> n++;
     change_mode()

  :: atomic { state[m] == RUNNING && n < OPS && !asked[m] -> n++; state[m] = BLOCKED };
     atomic { state[m] = RUNNING }

#if MUTANT==14
  :: atomic { state[m] == RUNNING -> asked[m] = false; state[m] = OUT }
#else
  :: atomic { state[m] == RUNNING && !asked[m] ->       /* leave */
#if MUTANT==7
       if :: state[1-m] == OUT && UNDER_WAY && !lock -> at = 0 :: else fi;
#elif MUTANT==8
       if :: state[1-m] == OUT && UNDER_WAY && !lock -> at = 0; ended++; signal_progress() :: else fi;
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
  :: runs ->
     do
     :: atomic { wake = false };                /* reads the event's value, looks then */
#if MUTANT==12
        if :: incremental -> runs = false; break :: else fi;
#elif MUTANT==10
        if
        :: incremental ->
           atomic { signal_progress() };
           atomic { if :: incremental -> runs = false; break :: else fi }
        :: else
        fi;
#else
        atomic { if :: incremental -> runs = false; break :: else fi };
#endif
        if
        :: DUE || UNDER_WAY ->
           atomic { !lock -> lock = true; enter_drive() };
#if MUTANT==16
           if :: DUE -> atomic { begin(C) } :: else fi;
#else
           if :: !UNDER_WAY && DUE -> atomic { begin(C) } :: else fi;
#endif
           do
           :: !UNDER_WAY -> break
           :: UNDER_WAY && SOME && MINE(C) -> drive(C)
           od;
           atomic { drivers--; lock = false }
        :: else ->
endw:      wake
        fi
     od;
#if MUTANT!=9 && MUTANT!=10
     atomic { signal_progress() }
#endif
  od
}

/* F: all stand still */
active proctype watcher() {
  timeout -> assert(incremental || !DUE)
}
