/*
 * promote.pml: promotion after N > 1 cycles: ages, the list of unpromoted
 * survivors, what they do to MARK bits and to the remembered set, in
 * CYCLES successive minor cycles (with -DMAJOR any of them may be a major).
 *
 * The rule: who marks an object counts its age. At N it is promoted and keeps
 * its MARK bit. Else it is listed, and its bit is cleared after the sweep
 * has made TAKEN (here: alloced) from MARK. A scanned object that is
 * promoted and references one that is not enters rs(k+1). A major promotes
 * all that it marks. What is born during a cycle stays young, with age 0.
 *
 * Modelled: mutators whose stores take the idle or the trace barrier in steps
 * (test the log, shade the old value, append and log, store); per-object log
 * words; SATB buffers; births, live during a cycle; registers, dropped where
 * they are scanned; one or (-DMARKERS=2) two markers that pop one grey set,
 * for which the MARK bit and the age are two steps; sweep; clearing.
 * Simplified: the start is one atomic step at which no mutator is inside an operation
 * (start.pml covers H1, H2, H3 and the window), flush and idle handshakes too;
 * appends to the remembered set are public at once; no shared roots. Memory is
 * sequentially consistent. One reference field per object. Slots are not
 * reused; a swept object fails the next assertion that meets it.
 *
 * Bounds: 5 objects: 1 old and held for ever; 2 and 3 of age 0, N-1 or N (old),
 * 1 references NULL, 2 or 3, 2 and 3 NULL or each other; 4 and 5 births, one per mutator (both of
 * mutator 0 if it is alone). OPS0 and OPS1 operations (load, store, birth) over
 * all cycles. OPS1=0 leaves one mutator, which holds 2 and 3 at first; of
 * two the one holds 2 and the other 3. The collector pops lowest number first.
 *
 * Run:
 *   spin -a [-DMAJOR] [-DCYCLES=n] [-DN=n] [-DMARKERS=2] [-DOPS0=n -DOPS1=n] [-DMUTANT=n] promote.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Expected (spin 6.5.2), no errors (states, depth); with CYCLES=2 and OPS1=0 unless stated:
 *   OPS0=2                    2,426,655, 293
 *   OPS0=1 CYCLES=3           332,719, 304     with N=3: 375,423, 350
 *   OPS0=1 MAJOR              602,036, 255
 *   OPS0=1 MARKERS=2          638,925, 263
 *   OPS0=1 OPS1=1 CYCLES=1    2,641,978, 206
 * Two mutators over two cycles were searched in part only (17 million states, no
 * error). check.sh has the bound at which each mutant fails.
 *
 * The collector as it is promotes after one cycle (N = 1) and keeps no ages;
 * this is the model of the rule that it would need.
 */
#define OBJS 5

#ifndef N
#define N 2                     /* cycles after which a survivor is old */
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 0
#endif
#define OPS(m) (m == 0 -> OPS0 : OPS1)
#ifndef CYCLES
#define CYCLES 2
#endif
#ifndef MARKERS
#define MARKERS 1
#endif

/* Mutants; each must fail, except where its note says PASS (mode in brackets where it needs one):
 *  1  a newly promoted object that references an unpromoted one is not entered
 *  2  an object of rs(k) that still references an unpromoted one is not entered again
 *  3  MARK bits of unpromoted survivors are not cleared
 *  4  they are cleared before TAKEN is made
 *  5  ages are not counted
 *  6  survivors are promoted at once
 *  7  [MAJOR] a major counts and lists like a minor, but enters nothing
 *  8  [MAJOR] a major leaves the ages of what it marks
 *  9  [MAJOR] a major counts, lists and enters like a minor (must PASS: sound,
 *     if one does not ask it to promote all)
 * 10  rs(k) is carried over whole into rs(k+1), which then keeps swept objects
 * 11  a reference to an object that is already marked counts as one to a promoted object
 * 12  the age is counted whenever an object is found, not when it is marked
 * 13  objects born during a cycle keep their MARK bits
 * 14  [MARKERS=2] an object can be popped before its age was counted
 * 15  rs(k) is not grey
 * 16  rs(k+1) is filtered by the MARK of before the cycle
 * 17  as 2, but rs(k) is carried over whole, less what is swept (must PASS:
 *     sound; the set then shrinks by what dies only)
 * 18  nothing is dropped from rs(k+1) (must PASS: with the start in one step
 *     all that enters it is marked; start 13 fails)
 */
#define STALE 9
#define IDLE 0
#define TRACE 1

#define BIT(x) (1 << (x))       /* object 0 is NULL; bit 0 is never kept */
#define SET(s,x) s = s | BIT(x)
#define HAS(s,x) (s & BIT(x))
#define ALL 62                  /* bits 1..5 */

#if MUTANT==9 || MUTANT==7
#define PROMOTES_ALL false
#else
#define PROMOTES_ALL major
#endif

byte field[OBJS+1];
byte lg[OBJS+1];                /* log word */
byte age[OBJS+1];
byte seen[OBJS+1];              /* cycles survived, counted by the check itself; at most N */
byte alloced, mark, bornlive;   /* bit sets */
byte regs[2];                   /* what each thread holds: bit sets */
byte buf[2];                    /* SATB buffers */
bool busy[2];                   /* inside a store */
byte phase, ep = 1;
byte rsk, rsn;                  /* rs(k) during a cycle; rs(k+1), or rs(k) when idle */
byte W;                         /* grey */
byte listed;                    /* unpromoted survivors */
byte working;                   /* markers that hold an object */
bool major, births_live, over;
#if MUTANT==1 || MUTANT==2 || MUTANT==17
byte newly;                     /* promoted in this cycle */
#endif
#if MUTANT==16
byte before;                    /* MARK before the cycle */
#endif

/* by who set the MARK bit */
inline count_age(x) {
#if MUTANT==6
  age[x] = N;
#elif MUTANT==8
  if :: !major && age[x] < N -> age[x]++ :: else fi;
#elif MUTANT!=5
  if
  :: PROMOTES_ALL -> age[x] = N
  :: !PROMOTES_ALL && age[x] < N -> age[x]++
  :: else
  fi;
#endif
  if
  :: age[x] < N && !PROMOTES_ALL -> SET(listed, x)
  :: else
#if MUTANT==1 || MUTANT==2 || MUTANT==17
     ; SET(newly, x)
#endif
  fi
}

inline grey(x) {
  if
  :: x != 0 && !HAS(mark, x) -> SET(mark, x); count_age(x); SET(W, x)
  :: else
  fi
}

/* o was scanned and references v */
#if MUTANT==1
#define ENTERS(o) (age[o] == N && !HAS(newly, o))
#elif MUTANT==2 || MUTANT==17
#define ENTERS(o) (age[o] == N && HAS(newly, o))
#elif MUTANT==7
#define ENTERS(o) (age[o] == N && !major)
#else
#define ENTERS(o) (age[o] == N)
#endif

inline pop() {
  x = 1; do :: HAS(W, x) -> break :: else -> x++ od;
  assert(HAS(alloced, x));
  W = W & (255 - BIT(x)); y = field[x]; working++
}

/* the object popped: mark what it references, count its age, push it, enter */
inline scan_one() {
  atomic {
    assert(y == 0 || HAS(alloced, y));
    first = (y != 0 && !HAS(mark, y));
    if
    :: first -> SET(mark, y)
#if MUTANT==14
       ; SET(W, y)
#endif
    :: else
    fi;
#if MARKERS > 1
  };
  atomic {
#endif
    if
    :: first -> count_age(y)
#if MUTANT!=14
       ; SET(W, y)
#endif
#if MUTANT==12
    :: !first && y != 0 -> count_age(y)
#endif
    :: else
    fi;
    if
#if MUTANT==11
    :: y != 0 && age[y] < N && ENTERS(x) && first -> SET(rsn, x)
#else
    :: y != 0 && age[y] < N && ENTERS(x) -> SET(rsn, x)
#endif
    :: else
    fi;
    x = 0; y = 0; first = false; working--
  }
}

#if MARKERS > 1
proctype helper() {
  byte x, y;
  bool first;
  do
  :: atomic { W != 0 -> pop() }; scan_one()
  :: over -> break
  od
}
#endif

inline pick(x, s) {
  if
  :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1 :: HAS(s, 2) -> x = 2
  :: HAS(s, 3) -> x = 3 :: HAS(s, 4) -> x = 4 :: HAS(s, 5) -> x = 5
  fi
}

/* loads that bring nothing new are left out */
#define NEW(m, o) (HAS((regs[m] | BIT(1)), o) && !HAS((regs[m] | 3), field[o]))

byte born;                      /* births so far */

inline birth(m, x) {
  SET(born, x); SET(alloced, x); lg[x] = ep; SET(regs[m], x);
  if :: births_live -> SET(mark, x); SET(bornlive, x) :: else fi
}

proctype mutator(byte m) {
  byte o, v, n;
  bool slow;

  do
  :: n == OPS(m) || over -> break

  :: atomic { n < OPS(m) && (NEW(m, 1) || NEW(m, 2) || NEW(m, 3) || NEW(m, 4) || NEW(m, 5)) ->
       n++;                                     /* load a field */
       if
       :: NEW(m, 1) -> o = 1 :: NEW(m, 2) -> o = 2 :: NEW(m, 3) -> o = 3
       :: NEW(m, 4) -> o = 4 :: NEW(m, 5) -> o = 5
       fi;
       assert(HAS(alloced, o));
       SET(regs[m], field[o]); o = 0 }

  :: atomic { n < OPS(m) && !HAS(born, 4+m) -> n++; birth(m, 4+m) }
#if OPS1==0
  :: atomic { n < OPS(m) && HAS(born, 4) && !HAS(born, 5) -> n++; birth(m, 5) }
#endif

  :: atomic { n < OPS(m) -> n++;                /* store */
       pick(o, (regs[m] | BIT(1)));
       pick(v, (regs[m] | BIT(0)));
       assert(HAS(alloced, o));
       busy[m] = true;
       slow = (lg[o] != ep);
       if
       :: slow && phase == IDLE -> SET(rsn, o); lg[o] = ep; slow = false
       :: else
       fi };
     if
     :: slow ->
        atomic {
          if
          :: field[o] != 0 && !HAS(mark, field[o]) -> SET(buf[m], field[o])
          :: else
          fi };
        atomic { SET(rsn, o); lg[o] = ep; slow = false }
     :: else
     fi;
     atomic { field[o] = v; o = 0; v = 0; busy[m] = false }
  od
}

/* where thread m scans its registers it may have dropped some */
inline drop_and_scan(m) {
  if
  :: skip
  :: regs[m] != 0 -> regs[m] = 0
  :: HAS(regs[m], 2) -> regs[m] = regs[m] & (255 - BIT(2))
  :: HAS(regs[m], 3) -> regs[m] = regs[m] & (255 - BIT(3))
  :: HAS(regs[m], 4) -> regs[m] = regs[m] & (255 - BIT(4))
  :: HAS(regs[m], 5) -> regs[m] = regs[m] & (255 - BIT(5))
  fi;
  i = 1;
  do
  :: i <= OBJS -> if :: HAS((regs[m] | BIT(1)), i) -> grey(i) :: else fi; i++
  :: else -> break
  od;
  i = 0
}

/* everything reachable now is in R */
inline reachable() {
  R = BIT(1) | regs[0] | regs[1];
  j = 0;
  do
  :: j < OBJS ->
     i = 1;
     do
     :: i <= OBJS -> if :: HAS(R, i) && field[i] != 0 -> SET(R, field[i]) :: else fi; i++
     :: else -> break
     od;
     j++
  :: else -> break
  od;
  i = 0; j = 0
}

/* MARK is "promoted", ages are right, and rs(k+1) holds every old object
   (dead ones too) that references a young one */
inline check_settled() {
  assert((rsn & (ALL - alloced)) == 0);
  i = 1;
  do
  :: i <= OBJS ->
     assert(age[i] <= N);
     if
     :: HAS(alloced, i) ->
        assert((HAS(mark, i) != 0) == (age[i] == N));
        assert((HAS(mark, i) != 0) == (seen[i] == N));
        assert(age[i] == seen[i]);
        if
        :: HAS(mark, i) && field[i] != 0 ->
           assert(HAS(alloced, field[i]));
           assert(HAS(mark, field[i]) || HAS(rsn, i))
        :: else
        fi
     :: else -> assert(!HAS(mark, i))
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

init {
  byte x, y, i, j, R, cycle;
  bool first;

  atomic {
    alloced = BIT(1) | BIT(2) | BIT(3);
#if OPS1 > 0
    regs[0] = BIT(2); regs[1] = BIT(3);
#else
    regs[0] = BIT(2) | BIT(3);
#endif
    age[1] = N;
    if :: age[2] = 0 :: age[2] = N - 1 :: age[2] = N fi;
    if                          /* 2 and 3 are alike: the older one is 2 */
    :: age[3] = 0 :: age[2] > 0 -> age[3] = N - 1 :: age[2] == N -> age[3] = N
    fi;
    if :: skip :: field[1] = 2 :: field[1] = 3 fi;
    if :: skip :: field[2] = 3 fi;
    if :: skip :: field[3] = 2 fi;
    i = 1;
    do
    :: i <= 3 ->
       seen[i] = age[i];
       if :: age[i] == N -> SET(mark, i) :: else fi;
       lg[i] = (age[i] == 0 -> ep : STALE);
       if
       :: age[i] == N && field[i] != 0 ->
          if :: age[field[i]] < N -> SET(rsn, i); lg[i] = STALE :: else fi
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0;
    check_settled();
    run mutator(0);
#if OPS1 > 0
    run mutator(1);
#endif
#if MARKERS > 1
    run helper()
#endif
  };
  do
  :: cycle < CYCLES ->
     atomic {                   /* start: H1, H2, H3 in one */
       !busy[0] && !busy[1];
#ifdef MAJOR
       if :: major = false :: major = true fi;
#endif
#if MUTANT==16
       before = mark;
#endif
       rsk = rsn;
#if MUTANT!=10 && MUTANT!=17
       rsn = 0;
#endif
       assert((rsk & (ALL - alloced)) == 0);
       ep++; phase = TRACE; births_live = true;
       if
       :: major -> mark = 0
       :: else
#if MUTANT!=15
          ; W = rsk
#endif
       fi;
       rsk = 0;
       drop_and_scan(0);
#if OPS1 > 0
       drop_and_scan(1)
#endif
     };
     do
     :: atomic { W != 0 -> pop() }; scan_one()
     :: atomic { W == 0 && working == 0 && !busy[0] && !busy[1] ->   /* flush */
          i = 1;
          do
          :: i <= OBJS -> if :: HAS((buf[0] | buf[1]), i) -> grey(i) :: else fi; i++
          :: else -> break
          od;
          i = 0; buf[0] = 0; buf[1] = 0;
          if :: W == 0 -> break :: else fi }
     od;
#if MUTANT==16
     rsn = rsn & (before | bornlive);
#elif MUTANT!=10 && MUTANT!=18
     rsn = rsn & mark;          /* born-live ones are marked */
#endif
     atomic { !busy[0] && !busy[1]; phase = IDLE; buf[0] = 0; buf[1] = 0 };
#if MUTANT==4
     mark = mark & (255 - listed); listed = 0;
#endif
     d_step {                   /* sweep: TAKEN is made from MARK */
       reachable();
       assert((R & (ALL - mark)) == 0);         /* nothing reachable is swept */
       alloced = alloced & mark;
       i = 1;
       do
       :: i <= OBJS ->
          if
          :: !HAS(alloced, i) -> field[i] = 0; lg[i] = 0; age[i] = 0; seen[i] = 0
          :: HAS(alloced, i) && !HAS(bornlive, i) ->
             seen[i] = ((seen[i] == N || PROMOTES_ALL) -> N : seen[i] + 1)
          :: else
          fi;
          i++
       :: else -> break
       od;
       i = 0; R = 0;
       /* no swept object is in rs(k+1) */
       assert((rsn & (ALL - alloced)) == 0)
     };
#if MUTANT!=3 && MUTANT!=4
     mark = mark & (255 - listed);
#endif
     d_step {                   /* clear the records of the cycle */
       listed = 0;
#if MUTANT==1 || MUTANT==2 || MUTANT==17
       newly = 0;
#endif
#if MUTANT!=13
       mark = mark & (255 - bornlive);
#endif
       bornlive = 0; births_live = false; major = false; cycle++;
       check_settled()
     }
  :: else -> break
  od;
  over = true
}
