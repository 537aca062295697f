/*
 * drive.pml: who drives a cycle: the collector thread, which comes and goes with the mode, or in
 * steps any thread that gets the driver's lock; or a thread that has stopped the world. Handing
 * over; the last thread that leaves; a change of the mode at any time; a stop that fails; steps
 * taken at polls.
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
 * mode is concurrent. A change stores the mode, starts the thread where a cycle is wanted or
 * under way, and signals wake and progress. A thread leaves when its request is acknowledged; if
 * it is the last, what is under way stays as it is, and the next that joins goes on. Joining
 * adopts what is armed (join.pml). Acting for a blocked thread is one step (claim.pml has the
 * claim); events are kept as "moved since the waiter read the value" (park.pml). Sequentially
 * consistent memory.
 *
 * With -DSTW there is a third mode. In it who drives a new cycle stops the world first: it
 * keeps a claim of each thread that it finds BLOCKED, itself among them, until all are claimed;
 * then the whole cycle is one step. Threads that poll meanwhile become BLOCKED, and nobody
 * joins or leaves. A stop may time out, and so may the wait for an acknowledgement, FAILS times
 * in all: who drives gives up, and so does who has been waiting to drive since before a stop
 * failed. Allocation does not try again before it has come to retry_at (postponed). A cycle of
 * steps is ended beside the threads first.
 *
 * With -DPOLLS a cycle is wanted at the start, the mode is that of steps, and slow paths are
 * operations; in the window (all handshakes but the last) a thread that has acknowledged
 * something at a poll takes a step in that poll, again at the next if it did not get the lock,
 * and after what it acknowledges when it comes back from the step. What it acknowledges on its
 * way into a blocked region, or when it leaves, is followed by no step; but a store in the
 * window makes it look at its next poll. With -DRUNS as well nobody blocks, leaves or stores.
 *
 * Bounds: 2 threads; OPS operations in each registration (a request; collect and wait; change
 * the mode; a blocked region; with POLLS a slow path), LIVES registrations after the first;
 * then a thread is blocked or has left, but with STW and POLLS thread 0 goes on with slow
 * paths, or polls and stores, for ever, and with RUNS both. Steps without bound. The mode at
 * the start is any, but with POLLS; no collector thread.
 *
 * Assertions:
 *  A  each thread of the snapshot acknowledges a handshake once, and no other does;
 *  B  when the next step begins, all have, and every thread is in the phase of the handshake;
 *  C  one drives at a time;
 *  D  a cycle ends after its last handshake, and not twice;
 *  E  no invalid end state: who waits for a cycle, or for the lock, or is claimed, goes on;
 *  F  when nothing goes on any more and the mode is concurrent, every cycle that was asked for has
 *     begun (a request that nobody waits for is lost otherwise); with STW, in any mode, it has
 *     ended;
 *  G  with POLLS: nor is a RUNNING thread in the window of a cycle of steps then;
 *  H  when the world is stopped nobody runs.
 *
 * Run:
 *   spin -a [-DOPS=n] [-DLIVES=n] [-DHANDSHAKES=n] [-DSTW [-DFAILS=n]] [-DPOLLS [-DRUNS]]
 *        [-DMUTANT=n] drive.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
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
 * 18  [STW] a stop that fails takes the request with it
 * 19  [STW] a cycle gets its number before the world is stopped for it, also if that fails
 * 20  [STW] allocation never tries again after a stop that failed
 * 21  [STW] a stop that fails keeps the claims that it has
 * 22  [STW] who gives up keeps the lock
 * 23  [STW LIVES=1] threads join while the world is stopped
 * 24  [STW] the world is stopped although a cycle of steps is under way
 * 25  [POLLS RUNS] polls take no steps (without RUNS it must PASS: stores do)
 * 26  [POLLS] stores in the window do not make a thread look
 * 27  [POLLS] both
 * 28  [POLLS RUNS] who does not get the lock at a poll does not look again
 * 29  [POLLS RUNS] what a thread acknowledges when it comes back from a step is followed by no look
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   7,007,664, 314   OPS=2 LIVES=0: 3,036,641, 310   OPS=2 LIVES=0 HANDSHAKES=3: 4,360,870, 409
 *   STW: 6,147,606, 253   STW LIVES=0 FAILS=2: 905,023, 198   STW OPS=2 LIVES=0: 21,411,560, 310
 *   POLLS LIVES=0 HANDSHAKES=3: 104,384, 195   OPS=2: 3,552,384, 343   RUNS: 42,873, 186
 * RUNS with OPS=2 fails: changes of the mode while polls look can leave the window open. Stores
 * close it then.
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

#ifndef FAILS
#ifdef STW
#define FAILS 1
#else
#define FAILS 0
#endif
#endif

#define STEPS 0                 /* modes */
#define THREAD 1
#define STOP 2

#define OUT 0
#define RUNNING 1
#define BLOCKED 2

#define C 2                     /* the collector thread, as a driver */

byte state[2] = RUNNING;
bool asked[2];                  /* has a request that it has not acknowledged */
byte ph[2];                     /* the handshake that it acknowledged last, or adopted */
byte at;
byte wanted, begun, ended;
byte mode;
bool runs;                      /* there is a collector thread */
bool lock;
bool wake = true, progress[2] = true;   /* events: moved since the waiter read the value */
bool stopping, claimed[2];      /* the world is being stopped; by a claim that is kept */
bool postponed;                 /* allocation has not come to retry_at */
bool late[2];                   /* a stop has failed since the thread began to drive */
byte fails = FAILS;             /* stops, or waits for an acknowledgement, that may time out */
#ifdef POLLS
bool looks[2];                  /* the next poll looks whether a step is to be taken */
#endif
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
byte requested;                 /* the newest cycle that anybody wanted */
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

/* a thread leaves BLOCKED when nobody has claimed it */
inline come_back(m) { atomic { !claimed[m] -> state[m] = RUNNING } }

/* until the world goes on */
inline wait_stopped(m) {
  atomic { state[m] = BLOCKED };
  atomic { !stopping && !claimed[m] -> state[m] = RUNNING }
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

#ifdef POLLS
#define IN_WINDOW(m) (ph[m] != 0 && ph[m] < HANDSHAKES)
#if MUTANT==25 || MUTANT==27
#define NOTE(m) skip
#else
#define NOTE(m) looks[m] = IN_WINDOW(m)
#endif
#else
#define NOTE(m) skip
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
       lock = false
#endif
     };
     come_back(m)
#if MUTANT==29
     ;
     atomic { if :: asked[m] -> acknowledge(m) :: else fi }
#endif
  :: !FREE(m) ->
#if defined(POLLS) && MUTANT!=28
     looks[m] = IN_WINDOW(m)
#else
     skip
#endif
  fi
#if MUTANT==4
  ; all[m] = false
#endif
}

/* in concurrent mode; under thread_lock */
inline start() {
  atomic { if :: !runs && mode == THREAD -> runs = true; wake = true :: else fi }
}

#ifdef STW
#define STOPS (!UNDER_WAY && mode == STOP)
#if MUTANT==24
#undef STOPS
#define STOPS (mode == STOP)
#endif

inline resume() {
  stopping = false;
#if MUTANT!=21
  claimed[0] = false; claimed[1] = false
#endif
}

/* the whole cycle, which nobody sees, is one step */
inline run_stopped(m) {
  if
  :: late[m] -> gave_up = true
  :: else ->
#if MUTANT==19
     begun++;
#endif
     atomic { stopping = true; snap[0] = (state[0] != OUT); snap[1] = (state[1] != OUT) };
     do
     :: atomic { snap[0] && !claimed[0] && state[0] == BLOCKED -> claimed[0] = true }
     :: atomic { snap[1] && !claimed[1] && state[1] == BLOCKED -> claimed[1] = true }
     :: atomic { (claimed[0] || !snap[0]) && (claimed[1] || !snap[1]) ->
          assert(state[0] != RUNNING && state[1] != RUNNING);           /* H */
#if MUTANT!=19
          begun++;
#endif
          assert(begun == ended + 1 && !UNDER_WAY);                     /* D */
          ended++; postponed = false;
          signal_progress();
          resume(); break }
     :: atomic { fails > 0 && (snap[0] && !claimed[0] || snap[1] && !claimed[1]) -> fails--;
          late[0] = true; late[1] = true; postponed = true; gave_up = true;
#if MUTANT==18
          wanted = begun;
#endif
          resume(); break }
     od
  fi
}
#else
#define STOPS false
#define run_stopped(m) skip
#endif

/* holds the lock until cycle num has ended, or somebody has been waited for too long */
inline drive_to(m) {
  late[m] = false;
  atomic { state[m] = BLOCKED };
  do
  :: ended >= num || gave_up -> break
  :: atomic { ended < num && !gave_up && !lock -> lock = true; enter_drive() };
     do
     :: ended >= num || gave_up -> break
     :: ended < num && !gave_up && STOPS -> run_stopped(m)
     :: ended < num && !gave_up && !STOPS && SOME && MINE(m) -> drive(m)
     :: atomic { ended < num && !gave_up && UNDER_WAY && (asked[0] || asked[1]) && fails > 0 ->
          fails--; gave_up = true }
     od;
     atomic { drivers--;
#if MUTANT!=22
       lock = false
#else
       lock = gave_up
#endif
     }
  od;
  come_back(m)
}

inline wait_for_cycle(m) {
  do
  :: gave_up -> break
  :: atomic { !gave_up -> progress[m] = false };        /* reads the event's value, looks then */
     if
     :: atomic { ended >= num -> progress[m] = true; break }
#if MUTANT!=13
     :: ended < num && !runs -> drive_to(m)
#endif
     :: atomic { ended < num && runs -> state[m] = BLOCKED };
        progress[m];
        come_back(m)
     fi
  od
}

inline change_mode() {
#if MUTANT==17
  atomic { if :: !lock -> at = 0; asked[0] = false; asked[1] = false :: else fi };
#endif
#ifdef STW
  if :: mode = STEPS :: mode = THREAD :: mode = STOP fi;
#else
  mode = THREAD - mode;
#endif
#if MUTANT!=11
  if :: DUE || UNDER_WAY -> start() :: else fi;
#endif
  wake = true;
  atomic { signal_progress() }
}

inline ask() {
  atomic { num = begun + 1 };
  atomic { if :: wanted < num -> wanted = num; wake = true :: else fi;
    if :: requested < num -> requested = num :: else fi }
}

#ifdef RUNS
#define LAST(m) true            /* goes on for ever */
#elif defined(STW) || defined(POLLS)
#define LAST(m) (m == 0)
#else
#define LAST(m) false
#endif

proctype mutator(byte m) {
  byte n, lives, num;
  bool gave_up;

end:
  do
  :: atomic { state[m] == OUT && lives < LIVES &&
       (!stopping || MUTANT == 23) ->                   /* join, adopting what is armed */
       lives++; n = 0; state[m] = RUNNING; ph[m] = at }
  :: atomic { state[m] == OUT && lives >= LIVES -> break }
  :: atomic { state[m] == RUNNING && asked[m] -> acknowledge(m); NOTE(m) }
  :: atomic { state[m] == RUNNING && n == OPS && !asked[m] && !LAST(m) ->
       state[m] = BLOCKED; break }
#ifdef STW
  :: state[m] == RUNNING && stopping && !asked[m] -> wait_stopped(m)
#endif

#ifdef POLLS
  :: state[m] == RUNNING && n < OPS && mode == STEPS && (UNDER_WAY || DUE) -> n++;
     step(m)                                            /* a slow path */
  :: state[m] == RUNNING && looks[m] && !asked[m] -> looks[m] = false;  /* the rest of a poll */
     if :: IN_WINDOW(m) && !runs && mode == STEPS -> step(m) :: else fi
#if MUTANT!=26 && MUTANT!=27 && !defined(RUNS)
  :: atomic { state[m] == RUNNING && !looks[m] && IN_WINDOW(m) && UNDER_WAY && !runs &&
       mode == STEPS && SOME -> looks[m] = true }       /* stores */
#endif
#else
  :: state[m] == RUNNING && UNDER_WAY && mode != STOP && (SOME || asked[m]) && MINE(m) ->
     step(m)                                            /* a slow path */
  :: atomic { state[m] == RUNNING && UNDER_WAY && mode == STOP && !postponed && !runs ->
       num = begun };                                   /* another's steps */
     wait_for_cycle(m);
     if :: gave_up -> postponed = true :: else fi;
     num = 0; gave_up = false
  :: state[m] == RUNNING && !UNDER_WAY && DUE && !runs && mode == STEPS -> step(m)
  :: state[m] == RUNNING && !UNDER_WAY && DUE && !runs && mode == THREAD -> start()
  :: atomic { state[m] == RUNNING && !UNDER_WAY && DUE && !runs && mode == STOP && !postponed ->
       num = begun + 1 };
     wait_for_cycle(m);
     num = 0; gave_up = false
#if MUTANT!=20
  :: atomic { state[m] == RUNNING && postponed && mode == STOP ->
       postponed = false }                              /* an eighth of the limit later */
#endif
#endif

  :: state[m] == RUNNING && n < OPS -> n++;             /* collect and wait */
     ask();
     wait_for_cycle(m);
     num = 0; gave_up = false

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

#ifndef RUNS
  :: atomic { state[m] == RUNNING && n < OPS && !asked[m] -> n++; state[m] = BLOCKED;
#ifdef POLLS
       looks[m] = false         /* it may have acknowledged on its way */
#endif
     };
     come_back(m)
#endif

#if MUTANT==14
  :: atomic { state[m] == RUNNING && !LAST(m) -> asked[m] = false; state[m] = OUT }
#else
  :: atomic { state[m] == RUNNING && !asked[m] && !stopping && !LAST(m) ->      /* leave */
#if MUTANT==7
       if :: state[1-m] == OUT && UNDER_WAY && !lock -> at = 0 :: else fi;
#elif MUTANT==8
       if
       :: state[1-m] == OUT && UNDER_WAY && !lock -> at = 0; ended++; signal_progress()
       :: else
       fi;
#endif
       state[m] = OUT }
#endif
  od
}


active proctype collector() {
  atomic {
#ifdef STW
    if :: mode = STEPS :: mode = THREAD :: mode = STOP fi;
#elif !defined(POLLS)
    if :: mode = STEPS :: mode = THREAD fi;
#endif
#ifdef POLLS
    wanted = 1; requested = 1;
#endif
    run mutator(0); run mutator(1)
  };
end:
  do
  :: runs ->
     do
     :: atomic { wake = false };                /* reads the event's value, looks then */
#if MUTANT==12
        if :: mode != THREAD -> runs = false; break :: else fi;
#elif MUTANT==10
        if
        :: mode != THREAD ->
           atomic { signal_progress() };
           atomic { if :: mode != THREAD -> runs = false; break :: else fi }
        :: else
        fi;
#else
        atomic { if :: mode != THREAD -> runs = false; break :: else fi };
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
  timeout ->
#ifdef STW
  assert(!UNDER_WAY && ended >= requested);
#else
  assert(mode != THREAD || begun >= requested);
#endif
#ifdef POLLS
  assert(!UNDER_WAY || mode != STEPS ||
         (state[0] != RUNNING || !IN_WINDOW(0)) && (state[1] != RUNNING || !IN_WINDOW(1)))
#endif
}
