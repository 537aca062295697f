/*
 * demand.pml: requests for a cycle, and for a major; who waits for a major gets one that began
 * after the request, whatever kind the cycle of its number turns out to be.
 *
 * Modelled: a request reads begun, its number is one more; a request for a major raises
 * major_wanted to it, then wanted; another raises wanted only. Whoever has raised one of the two
 * signals wake. The driver begins a cycle when wanted is above begun or major_wanted above
 * major_begun: it raises begun, then reads major_wanted: above major_begun it proposes a major,
 * else what it likes. Later the kind is settled, a minor perhaps as a major (kind.pml), and a
 * major sets major_begun to its number; at its end major_ended, then it raises ended. Who waits
 * for a major waits for the cycle of its number to end; if no major of that number or a later
 * one has, for the next one, and so on. Waits are for ended itself (park.pml has the events of
 * waiters); wake is kept as "moved since the driver read the value". Sequentially consistent
 * memory.
 *
 * Bounds: COLLECTS (2) threads that collect and wait, ASKS (1) that ask for any cycle; each once,
 * and REPEATS (1) times more. Cycles without bound.
 *
 * Assertions:
 *  A  who has waited for a major: one that began after the request has ended;
 *  B  no invalid end state: waits end;
 *  C  when all stand still nothing is due.
 *
 * Run:
 *   spin -a [-DCOLLECTS=n] [-DASKS=n] [-DREPEATS=n] [-DMUTANT=n] demand.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  whether a cycle is due is asked of `wanted` only
 *  2  who raises major_wanted alone does not signal
 *  3  who waits goes by ended
 *  4  a major sets major_begun to what is wanted by then
 *  5  a major sets major_ended to what is wanted by then
 *  6  a request wants the cycle that is under way
 *  7  ended is raised before major_ended
 *  8  begun is raised when the kind has been settled
 *  9  a major that was a minor at first does not set major_begun (must PASS: a major too many)
 * 10  major_wanted is read before begun is raised (must PASS: what comes between is due again)
 * 11  wanted is raised before major_wanted (must PASS, for the same reason; with more cycles)
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   8,958,705, 154   REPEATS=0: 210,741, 84
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef COLLECTS
#define COLLECTS 2
#endif
#ifndef ASKS
#define ASKS 1
#endif
#ifndef REPEATS
#define REPEATS 1
#endif

byte wanted, begun, ended;
byte major_wanted, major_begun, major_ended;
bool wake = true;

/* ghosts: who has asked since when; a bit a thread that collects */
byte open;                      /* requests that are waited for */
byte seen;                      /* of them, those that the cycle under way began after */
byte served;                    /* of them, those for which a major has ended */

#define BIT(x) (1 << (x))
#if MUTANT==1
#define DUE (wanted > begun)
#else
#define DUE (wanted > begun || major_wanted > major_begun)
#endif

inline raise_major() {
  atomic {
    if
    :: major_wanted < num -> major_wanted = num;
#if MUTANT!=2
       news = true
#endif
    :: else
    fi }
}
inline raise_wanted() {
  atomic { if :: wanted < num -> wanted = num; news = true :: else fi }
}

inline ask(m) {
#if MUTANT==6
  num = begun;
  if :: num == 0 -> num = 1 :: else fi;
#else
  num = begun + 1;
#endif
#if MUTANT==11
  raise_wanted();
  if :: m -> raise_major() :: else fi;
#else
  if :: m -> raise_major() :: else fi;
  raise_wanted();
#endif
  atomic { if :: news -> wake = true; news = false :: else fi }
}

proctype collects(byte t) {
  byte num, next, n;
  bool news;
  do
  :: n > REPEATS -> break
  :: n <= REPEATS -> n++;
     atomic { open = open | BIT(t);
       seen = seen & (255 - BIT(t)); served = served & (255 - BIT(t)) };
     ask(true);
     next = num;
     do
     :: ended >= next ->
#if MUTANT==3
        break
#else
        if
        :: major_ended >= num -> break
        :: else -> next++
        fi
#endif
     od;
     atomic { assert(served & BIT(t)); open = open & (255 - BIT(t)); num = 0; next = 0 }     /* A */
  od
}

proctype asks() {
  byte num, n;
  bool news;
  do
  :: n > REPEATS -> break
  :: n <= REPEATS -> n++; ask(false); num = 0
  od
}

/* the cycle looks at the heap from here on */
inline raise_begun() { atomic { begun++; seen = open } }

active proctype driver() {
  bool major, was;
  atomic {
    run collects(0);
#if COLLECTS > 1
    run collects(1);
#endif
#if ASKS > 0
    run asks()
#endif
  };
  do
  :: atomic { true -> wake = false };           /* reads the event's value, looks then */
     if
     :: DUE ->
#if MUTANT==10
        major = (major_wanted > major_begun);
        raise_begun();
#elif MUTANT==8
        seen = open;
        major = (major_wanted > major_begun);
#else
        raise_begun();
        major = (major_wanted > major_begun);
#endif
        was = major;
        if :: true -> skip :: !major -> major = true fi;        /* the pacer; or settled as one */
#if MUTANT==8
        if :: major -> major_begun = begun + 1 :: else fi;
        atomic { begun++ };
#else
        if
#if MUTANT==9
        :: major && was -> major_begun = begun
#elif MUTANT==4
        :: major -> major_begun = major_wanted
#else
        :: major -> major_begun = begun
#endif
        :: else
        fi;
#endif
        atomic { if :: major -> served = served | seen :: else fi };
#if MUTANT==7
        ended++;
#endif
        if
#if MUTANT==5
        :: major -> major_ended = major_wanted
#else
        :: major -> major_ended = begun
#endif
        :: else
        fi;
#if MUTANT!=7
        ended++;
#endif
        atomic { major = false; was = false }
     :: else ->
end:    wake
     fi
  od
}

/* C */
active proctype watcher() {
  timeout -> assert(wanted <= begun && major_wanted <= major_begun)
}
