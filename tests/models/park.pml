/*
 * park.pml: waiting and waking: the collector, a helper, stalled allocators,
 * collect-and-wait, destruction; and how a stall at the hard limit ends.
 *
 * Modelled: event counts, kept as "moved since the waiter read the value"; a
 * waiter reads the value, looks at its condition, then waits until the count has
 * moved. Waits have no timeout, so a lost wake-up ends in a state from which nothing
 * goes on. UNITS units of memory, each free, live or dead. A cycle: begun is
 * raised, then the garbage of that moment is found, marking (with -DHELPER a
 * parked helper takes part, and the collector waits until nobody is active), the
 * sweep frees the garbage unit by unit and signals progress; ended is raised,
 * progress signalled. A request wants cycle begun + 1; who raises `wanted` to
 * it wakes the collector. The numbers are kept relative to begun and ended. An
 * allocator that fails waits for its wanted cycle or for freed memory and tries again. It gives up when two
 * cycles that it wanted have ended, an attempt after each failed, and the last two
 * cycles freed nothing, or after CYCLES (3) such cycles; it asks the hook
 * once, which may say "again". After a success it may drop the unit and collect and wait
 * (-DBRIEF: no hook, no collect). Destruction stops collector and helper. With
 * -DSTUCK a handshake may be late, for a time or for ever, in any cycle; then the
 * waits of allocators may end by timeout.
 *
 * Bounds: THREADS (2) allocators, each one allocation; UNITS (2) units, dead or live
 * at the start, the live ones die at any time or never. Cycles without bound.
 *
 * Assertions:
 *  A  no invalid end state: every wait ends, all threads end at destruction;
 *  B  an allocation that fails for lack of memory: all that was dead when it asked
 *     (or asked again after the hook) has been freed, two cycles that began later
 *     have ended, and an attempt after that failed. Lack of progress is another result;
 *  C  collect-and-wait: all that was dead at the call has been freed.
 *
 * Run:
 *   spin -a [-DTHREADS=1] [-DUNITS=n] [-DBRIEF] [-DHELPER] [-DSTUCK] [-DMUTANT=n] park.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail (where brackets say so in that variant only):
 *  1  an allocator reads the event's value after its condition
 *  2  the collector reads the event's value after it looked for requests
 *  3  a request during a cycle wants that cycle
 *  4  progress signalled before ended is raised, not after
 *  5  the end of a cycle does not signal (freed memory does)
 *  6  an allocator gives up after one fruitless cycle
 *  7  [STUCK] waits without timeout
 *  8  [STUCK] lack of progress reported as lack of memory
 *  9  an allocator gives up without a last attempt
 * 10  [HELPER] the helper reads the event's value after it looked for work and for its end
 * 11  [HELPER] the last marker that leaves does not wake the collector
 * 12  [two threads, not BRIEF] begun is raised after the garbage was found
 * 13  [two threads] `wanted` is raised by a plain store
 * 14  [HELPER] the last marker wakes the collector before it lowers the count
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   THREADS=1: 25,641, 220   with STUCK: 47,224, 229
 *   THREADS=1 HELPER: 657,075, 261   with STUCK: 1,233,677, 270
 *   UNITS=1 BRIEF: 1,271,489, 237   with STUCK: 2,893,092, 250
 *   BRIEF: 5,008,256, 246   UNITS=1: 9,130,462, 424
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef UNITS
#define UNITS 2
#endif
#ifndef THREADS
#define THREADS 2
#endif
#define CYCLES 3

#define BIT(x) (1 << (x))
#define ALL ((1 << UNITS) - 1)

byte fre, dead;                 /* sets of units; the rest is live */
byte hold;                      /* live at the start, and still */
bool running;                   /* begun > ended */
bool pending;                   /* wanted > begun */
byte fruitless;                 /* at most 2 */
byte over;                      /* allocators that are done */
bool stop, late;                /* late: the handshake has waited too long */

/* the number that m's request gave it, less begun, and less ended; not below 0 */
byte to_begin[2], to_end[2];

/* event counts: moved since the waiter read the value */
bool wake = true, progress[2] = true;
#define SIGNAL_PROGRESS progress[0] = true; progress[1] = true

/* ghosts */
byte old[2];                    /* dead when the allocator asked, not freed yet */
bool before[2];                 /* the running cycle began before it asked */
byte later[2];                  /* cycles that began after it asked and ended; at most 2 */
byte tried[2];                  /* `later` at its last failed attempt */

/* a request: read begun, raise `wanted`, wake the collector */
inline request(m) {
  atomic {
#if MUTANT==3
    if
    :: running -> to_begin[m] = 0; to_end[m] = 1
    :: else -> to_begin[m] = 1; to_end[m] = 1
    fi
#else
    to_begin[m] = 1; to_end[m] = (running -> 2 : 1)
#endif
  };
#if MUTANT==13
  raise = (to_begin[m] == 1 && !pending);
  if :: raise -> pending = (to_begin[m] == 1); wake = true :: else fi;
#else
  atomic {
    raise = (to_begin[m] == 1 && !pending);
    if :: raise -> pending = true :: else fi };
  if :: raise -> wake = true :: else fi;
#endif
  atomic { raise = false; to_begin[m] = 0 }
}

/* the ghosts of a wait that begins now */
inline asks(m) {
  d_step { old[m] = dead; before[m] = running; later[m] = 0; tried[m] = 0 }
}

inline take(m) {
  d_step {
    if
    :: fre & 1 -> fre = fre & (255 - 1); mine = 1
    :: !(fre & 1) && (fre & 2) -> fre = fre & (255 - 2); mine = 2
    :: !(fre & 3) && (fre & 4) -> fre = fre & (255 - 4); mine = 4
    :: fre == 0 -> mine = 0; tried[m] = later[m]
    fi }
}

/* waits on progress; with STUCK the wait's own timeout ends it too */
inline wait(m) {
#if defined(STUCK) && MUTANT!=7
  if :: progress[m] :: late fi
#else
  progress[m]
#endif
}

proctype allocator(byte m) {
  byte cycles, mine;
  bool raise, ended_seen, hook_asked, waiting;

again:
  take(m);
  if
  :: mine != 0 -> goto done
  :: else
  fi;
stall:
  if
  :: !waiting -> waiting = true; asks(m); request(m)
  :: waiting && ended_seen ->
     atomic { cycles++; ended_seen = false };
     if
#if MUTANT==6
     :: cycles >= CYCLES || fruitless >= 1 -> goto limit
#else
     :: cycles >= CYCLES || (cycles >= 2 && fruitless >= 2) -> goto limit
#endif
     :: else -> request(m)
     fi
  :: waiting && !ended_seen
  fi;
#if MUTANT!=1
  progress[m] = false;
#endif
  if
  :: to_end[m] == 0 -> ended_seen = true;
#if MUTANT==9
     goto stall
#else
     goto again
#endif
  :: else
  fi;
#if MUTANT==1
  progress[m] = false;
#endif
#if defined(STUCK) && MUTANT!=7
  if
  :: late -> goto noprogress
  :: else
  fi;
#endif
  wait(m);
  goto again;
limit:
#ifndef BRIEF
  if
  :: !hook_asked -> hook_asked = true;
     if
     :: cycles = 0; asks(m); request(m); goto again
     :: true
     fi
  :: else
  fi;
#endif
  atomic { assert(old[m] == 0 && later[m] == 2 && tried[m] == 2);       /* B */
    goto finish };
noprogress:
#if MUTANT==8
  goto limit;
#endif
  goto finish;                          /* another result, not "no memory" */
done:
#ifndef BRIEF
  atomic { cycles = 0; ended_seen = false; hook_asked = false; waiting = false; to_end[m] = 0;
    progress[m] = true; old[m] = 0; before[m] = false; later[m] = 0; tried[m] = 0 };
  if
  :: true                               /* keep it */
  :: dead = dead | mine;                /* drop it, collect and wait */
     asks(m); request(m);
     do
     :: progress[m] = false;
        if
        :: to_end[m] == 0 -> assert(old[m] == 0); break         /* C */
#ifdef STUCK
        :: to_end[m] != 0 && late -> break
#endif
        :: else -> wait(m)
        fi
     od
  fi;
#endif
finish:
  atomic { old[m] = 0; before[m] = false; later[m] = 0; tried[m] = 0; to_end[m] = 0;
    to_begin[m] = 0; mine = 0; cycles = 0; ended_seen = false; over++ }
}

/* live units of the start may die at any time */
active proctype world() {
end:
  do
  :: atomic { over < THREADS && (hold & 1) -> hold = hold & 254; dead = dead | 1 }
  :: atomic { over < THREADS && (hold & 2) -> hold = hold & 253; dead = dead | 2 }
  :: stop -> break
  od
}

#ifdef HELPER
bool grey, tracing, stop_helper;
byte busy;                      /* markers at work */
bool work = true, idle = true;  /* event counts: moved since the waiter read */

active proctype helper() {
  do
  ::
#if MUTANT!=10
     work = false;
#endif
     if
     :: stop_helper -> break
     :: !stop_helper && grey ->
        busy++;
        if :: tracing -> grey = false :: else fi;
#if MUTANT==11
        busy--
#elif MUTANT==14
        idle = true; busy--
#else
        busy--;
        idle = true
#endif
     :: !stop_helper && !grey ->
#if MUTANT==10
        work = false;
#endif
        work
     fi
  od
}
inline mark() {
  atomic { tracing = true; grey = true };
  work = true;
  if :: atomic { grey -> grey = false } :: !grey fi;
  tracing = false;
  do
  :: idle = false;
     if :: busy == 0 -> break :: else fi;
     idle
  od
}
inline end_helper() { stop_helper = true; work = true }
#else
inline mark() { skip }
inline end_helper() { skip }
#endif

inline begin() {
  atomic { running = true; pending = false; to_begin[0] = 0; to_begin[1] = 0 }
}
inline count_end(m) {
  if :: to_end[m] > 0 -> to_end[m]-- :: else fi;
  if
  :: before[m] -> before[m] = false
  :: !before[m] && later[m] < 2 -> later[m]++
  :: else
  fi
}

active proctype collector() {
  byte garbage, u;
  bool freed;

  atomic {
    if :: dead = 0 :: dead = 1 fi;
    hold = ALL - dead;
    run allocator(0);
#if THREADS > 1
    run allocator(1)
#endif
  };
  do
  ::
#if MUTANT!=2
     wake = false;
#endif
     if
     :: stop -> break
     :: !stop && !pending ->
#if MUTANT==2
        wake = false;
#endif
        wake
     :: !stop && pending ->
#if MUTANT==12
        garbage = dead;
        begin();
#else
        begin();
        garbage = dead;
#endif
#ifdef STUCK
        if
        :: true
        :: late = true;                 /* slow, or never */
           if :: late = false :: goto stuck fi
        fi;
#endif
        mark();
        atomic { freed = (garbage != 0); u = 0 };
        do
        :: atomic { u < UNITS && (garbage & BIT(u)) ->
             fre = fre | BIT(u); dead = dead & (255 - BIT(u)); garbage = garbage & (255 - BIT(u));
             old[0] = old[0] & (255 - BIT(u)); old[1] = old[1] & (255 - BIT(u)) };
           SIGNAL_PROGRESS
        :: atomic { u < UNITS && !(garbage & BIT(u)) -> u++ }
        :: u == UNITS -> break
        od;
        atomic {
          u = 0;
          if
          :: freed -> fruitless = 0
          :: !freed && fruitless < 2 -> fruitless++
          :: else
          fi;
          freed = false };
#if MUTANT==4
        atomic { SIGNAL_PROGRESS };
#endif
        atomic { running = false; count_end(0); count_end(1) };
#if MUTANT!=4 && MUTANT!=5
        atomic { SIGNAL_PROGRESS }
#endif
     fi
  od;
stuck:
  over == THREADS;
  end_helper()
}

/* destroys the heap when the allocators are done */
active proctype destroyer() {
  over == THREADS;
  stop = true;
  wake = true
}
