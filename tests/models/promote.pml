/*
 * promote.pml: promotion after N > 1 cycles: ages, the list of unpromoted
 * survivors, what they do to MARK bits and to the remembered set, in
 * CYCLES successive minor cycles (with -DMAJOR any of them may be a major).
 *
 * The rule: who pops an object and sets its MARK bit first counts its age, then
 * scans it. At N it is promoted and keeps its MARK bit. Else it is listed, and
 * its bit is cleared after the sweep has made TAKEN (here: alloced) from MARK.
 * Who scans a promoted object (one of rs(k), one promoted now, or one that a re-scan meets)
 * judges each object that it references: its age is read, then its MARK bit; unmarked: age + 1;
 * marked: as read. Below N, the holder enters rs(k+1), unless its log is the epoch or the
 * window's value, and its log becomes the epoch, after its fields were made grey. A
 * re-scan promotes what it meets; the clearing looks at the age. An object that finds no room in
 * the list is promoted. A major promotes all that it marks. Births are live during a cycle and
 * young afterwards, with age 0.
 *
 * Modelled: mutators whose stores take the idle, window or trace barrier in steps
 * (test the log, shade the old values, append, set the log, store); per-object log
 * words; SATB buffers; births, live during a cycle; registers, dropped where
 * they are scanned; one or (-DMARKERS=2) two markers that pop one grey set, for
 * which claim, age, each field, both halves of a judgement and entering are steps;
 * (-DOVERFLOW) one object that finds no packet when it should be pushed (it gets its MARK bit and
 * is left to a re-scan) or listed; sweep; clearing.
 * Simplified: H1 is one atomic step, H2 and H3 another, at which no mutator is inside a store
 * (start.pml covers them), flush and idle handshakes too; appends to the remembered set are
 * public at once; no shared roots; one block for the re-scan. Memory is sequentially consistent.
 * The set counts its entries. Slots are not reused; a swept object fails the next assertion that
 * meets it.
 *
 * Bounds: 4 objects: 1 old and held for ever, with two fields (l, r); 2 and 3, of age 0, N-1 or N
 * (old) with one; 4 a birth of mutator 0. At the start 1 has up to LIMIT entries. OPS0 and OPS1
 * operations (load, store, birth) over all cycles. OPS1=0 leaves one mutator, which holds 2 and 3
 * at first; of two the one holds 2 and the other 3. Markers pop lowest number first. -DNARROW: 1
 * references 2 and 3, 2 references 3, no births (without it each of these references may be
 * NULL).
 *
 * Assertions:
 *  A  nothing reachable is swept, and nothing swept is met;
 *  B  after the clearing MARK is "promoted", and no swept object is in the set;
 *  C  an age grows by one with each cycle survived, or to N;
 *  D  every promoted object (dead ones too) that references an unpromoted one is in the set;
 *  E  an object enters a set LIMIT times at most: twice by each mutator (in the window and
 *     past it), or once by each and by each marker; that holds in every cycle if in one.
 *
 * Run:
 *   spin -a [-DMAJOR] [-DOVERFLOW] [-DNARROW] [-DCYCLES=n] [-DN=n] [-DMARKERS=2] [-DOPS0=n -DOPS1=n]
 *        [-DMUTANT=n] promote.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Expected (spin 6.5.2), no errors (states, depth); CYCLES=1, OPS0=1 and OPS1=0 unless stated:
 *   OPS0=1: 2,042,096, 181   CYCLES=2: 2,713,419, 308   with N=3: 2,665,379, 298
 *   MAJOR: 2,612,634, 182    OVERFLOW: 6,882,217, 246   with NARROW: 1,911,494, 233
 *   MARKERS=2 OPS0=0: 1,418,757, 213   MARKERS=2 NARROW: 20,836,748, 234
 *   OPS0=2: 33,774,646, 202  with NARROW: 8,463,970, 193
 *   OPS1=1 NARROW: 39,421,822, 242
 * check.sh has the bound at which each mutant fails.
 */
#define OBJS 4

#ifndef N
#define N 2                     /* cycles after which a survivor is old */
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 0
#endif
#define OPS(m) (m == 0 -> OPS0 : OPS1)
#ifdef NARROW
#define BIRTHS false
#else
#define BIRTHS true
#endif
#ifndef CYCLES
#define CYCLES 1
#endif
#ifndef MARKERS
#define MARKERS 1
#endif
#if OPS1 > 0
#define LIMIT 4
#else
#define LIMIT (1 + MARKERS)
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
 * 12  [MARKERS=2] the claim looks at the MARK bit and sets it in two steps, so that two may count an age
 * 13  objects born during a cycle keep their MARK bits
 * 14  [MARKERS=2] the MARK bit is read before the age
 * 15  rs(k) is not grey
 * 16  [MARKERS=2] the age is stored before the MARK bit
 * 17  the log is set before the fields are grey
 * 18  a holder enters without a look at its log
 * 19  a holder enters, but its log stays as it was
 * 20  a log with the window's value does not keep a holder from entering
 * 21  births of the cycle are judged as promoted (must PASS: whoever stored one into a
 *     holder was past its own H1, and has logged the holder)
 * 22  [OVERFLOW] a re-scan counts ages again instead of promoting
 * 23  [OVERFLOW] the clearing does not look at the age
 * 24  [OVERFLOW] a re-scan promotes, but does not judge
 * 25  [MARKERS=2] the age is stored after the object was scanned (must PASS: others then judge it too young)
 * 26  [OVERFLOW] an unpromoted survivor that finds no room in the list keeps its age
 */
#define STALE 9
#define IDLE 0
#define WINDOW 1
#define TRACE 2
#define WIN(e) ((e) + 4)        /* the window's value of the cycle that ends epoch e */

#define BIT(x) (1 << (x))       /* object 0 is NULL; bit 0 is never kept */
#define SET(s,x) s = s | BIT(x)
#define HAS(s,x) (s & BIT(x))
#define ALL 30                  /* bits 1..4 */

#if MUTANT==9 || MUTANT==7
#define PROMOTES_ALL false
#else
#define PROMOTES_ALL major
#endif

byte l[OBJS+1], r;              /* r: the second field of 1 */
byte lg[OBJS+1];                /* log word */
byte age[OBJS+1];
byte seen[OBJS+1];              /* ghost: the age at which it survived the last cycle */
byte alloced, mark, bornlive;   /* bit sets */
byte regs[2];                   /* what each thread holds: bit sets */
byte buf[2];                    /* SATB buffers */
bool busy[2];                   /* inside a store */
byte phase, ep = 1;
byte rk[OBJS+1];                /* rs(k) while it is traced: entries of each object */
byte rn[OBJS+1];                /* rs(k+1); when idle and in the window of the next cycle rs(k) */
byte W;                         /* grey */
byte listed;                    /* unpromoted survivors */
byte working;                   /* markers that hold an object */
bool major, births_live, over, born;
#ifdef OVERFLOW
byte room = 1;                  /* overflows to come */
bool flag;                      /* of the block: to be scanned again */
byte rescanned;                 /* ghost: promoted by it, or for want of a list */
#else
#define rescanned 0
#define flag false
#endif

#define OLD(x) (age[x] == N)
#define ROOTS (rk[1] + rk[2] + rk[3] + rk[4])      /* entries to be scanned */

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
#ifdef OVERFLOW
  :: age[x] < N && !PROMOTES_ALL && room > 0 -> room--;         /* no packet for the list */
#if MUTANT!=26
     age[x] = N; SET(rescanned, x)
#endif
#endif
  :: else
  fi
}

/* makes y grey; one that is marked would be dropped where it is popped */
inline push(y) {
  if
  :: y == 0 || HAS(mark, y)
  :: y != 0 && !HAS(mark, y) -> SET(W, y)
#ifdef OVERFLOW
  :: y != 0 && !HAS(mark, y) && room > 0 -> room--; SET(mark, y); flag = true
#endif
  fi
}

/* y's age after this cycle is below N, as far as can be told: sets `enters` */
#define LATER(marked) (a < N && (a == N - 1 -> marked : true))
#if MUTANT==11
#define YOUNG(y) (!HAS(mark, y) && LATER(0))
#elif MUTANT==21
#define YOUNG(y) (!HAS(bornlive, y) && LATER(HAS(mark, y) != 0))
#else
#define YOUNG(y) LATER(HAS(mark, y) != 0)
#endif
#if MUTANT==14
#define FIRST(y) m = (HAS(mark, y) != 0)
#define SECOND(y) a = age[y]; enters = enters || LATER(m)
#else
#define FIRST(y) a = age[y]
#define SECOND(y) enters = enters || YOUNG(y)
#endif
inline judge(f) {
#if MARKERS > 1
  atomic { y = f; if :: y != 0 -> FIRST(y) :: else fi };
  atomic { if :: y != 0 -> SECOND(y) :: else fi; a = 0; m = 0; y = 0 }
#else
  atomic { y = f; if :: y != 0 -> FIRST(y); SECOND(y) :: else fi; a = 0; m = 0; y = 0 }
#endif
}

#if MUTANT==18
#define ENTERED(x) false
#elif MUTANT==20
#define ENTERED(x) (lg[x] == ep)
#else
#define ENTERED(x) (lg[x] == ep || lg[x] == WIN(ep - 1))
#endif

/* appends, then sets the log: by CAS or by a plain store, all who set it now set it to the epoch */
inline enter(x) {
  atomic {
    enters = enters && !ENTERED(x);
    if :: enters -> rn[x]++; assert(rn[x] <= LIMIT) :: else fi };       /* E */
#if MUTANT!=19
  atomic { if :: enters -> lg[x] = ep :: else fi; enters = false }
#else
  enters = false
#endif
}

inline push_fields(x) {
  atomic { y = l[x]; assert(y == 0 || HAS(alloced, y)); push(y); y = 0 };       /* A */
  if
  :: atomic { x == 1 -> y = r; assert(y == 0 || HAS(alloced, y)); push(y); y = 0 }
  :: else
  fi
}

/* x is marked, its age is counted; the fields are read again to judge them */
inline scan(x) {
#if MUTANT!=17
  push_fields(x);
#endif
  if
  :: judges ->
     judge(l[x]);
     if :: x == 1 && !enters -> judge(r) :: else fi;
     if :: enters -> enter(x) :: else fi;
     judges = false
  :: else
  fi;
#if MUTANT==17
  push_fields(x)
#endif
}

#if MUTANT==1
#define NEW_JUDGES(x) false
#elif MUTANT==7 || MUTANT==9
#define NEW_JUDGES(x) (OLD(x) && !(major && MUTANT == 7))
#else
#define NEW_JUDGES(x) (OLD(x) && !major)
#endif

inline task() {
  if
  :: atomic { phase == TRACE && ROOTS > 0 ->
       x = 1; do :: rk[x] > 0 -> break :: else -> x++ od;
       rk[x]--;
       assert(HAS(alloced, x));
       if
       :: HAS(mark, x) -> working++; judges = (MUTANT != 2)
       :: else -> x = 0         /* young: the trace finds it if it lives */
       fi }
  :: atomic { W != 0 ->
       x = 1; do :: HAS(W, x) -> break :: else -> x++ od;
       W = W & (255 - BIT(x));
       assert(HAS(alloced, x));
       if
       :: HAS(mark, x) -> x = 0
#if MUTANT==12
       :: else -> working++
#elif MUTANT==16
       :: else -> count_age(x); working++
#elif MARKERS > 1
       :: else -> SET(mark, x); working++
#else
       :: else -> SET(mark, x); working++; count_age(x); judges = NEW_JUDGES(x)
#endif
       fi };
#if MARKERS > 1
     if
     :: x != 0 ->
        atomic {
#if MUTANT==12
          SET(mark, x); count_age(x);
#elif MUTANT==16
          SET(mark, x);
#elif MUTANT!=25
          count_age(x);
#endif
#if MUTANT==25
          judges = (!major && age[x] >= N - 1)
#else
          judges = NEW_JUDGES(x)
#endif
        }
     :: else
     fi
#endif
  fi;
  if
  :: x != 0 -> scan(x);
#if MUTANT==25
     atomic { count_age(x) };
#endif
     atomic { x = 0; working-- }
  :: else
  fi
}

#if MARKERS > 1
proctype helper() {
  byte x, y, a;
  bool m, judges, enters;
  do
  :: task()
  :: over -> break
  od
}
#endif

inline pick(x, s) {
  if
  :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1 :: HAS(s, 2) -> x = 2
  :: HAS(s, 3) -> x = 3 :: HAS(s, 4) -> x = 4
  fi
}

/* loads that bring nothing new are left out */
#define NEW(m, o) (HAS((regs[m] | BIT(1)), o) && !HAS((regs[m] | 3), l[o]))

inline shade(m, v) {
  if :: v != 0 && !HAS(mark, v) -> SET(buf[m], v) :: else fi
}

inline remember(o) {
  rn[o]++; assert(rn[o] <= LIMIT)       /* E */
}

proctype mutator(byte m) {
  byte o, v, n;
  bool slow, right;

  do
  :: n == OPS(m) || over -> break

  :: atomic { n < OPS(m) && (NEW(m, 1) || NEW(m, 2) || NEW(m, 3) || NEW(m, 4) || !HAS((regs[m] | 3), r)) ->
       n++;                                     /* load a field */
       if
       :: NEW(m, 1) -> v = l[1] :: !HAS((regs[m] | 3), r) -> v = r
       :: NEW(m, 2) -> v = l[2] :: NEW(m, 3) -> v = l[3] :: NEW(m, 4) -> v = l[4]
       fi;
       assert(HAS(alloced, v));                 /* A */
       SET(regs[m], v); v = 0 }

  :: atomic { n < OPS(m) && BIRTHS && m == 0 && !born -> n++;             /* birth */
       born = true; SET(alloced, 4); lg[4] = ep; SET(regs[m], 4);
       if :: births_live -> SET(mark, 4); SET(bornlive, 4) :: else fi }

  :: atomic { n < OPS(m) -> n++;                /* store */
       pick(o, (regs[m] | BIT(1)));
       pick(v, (regs[m] | BIT(0)));
       if :: o == 1 -> right = true :: skip fi;
       assert(HAS(alloced, o));
       busy[m] = true;
       if
       :: phase == WINDOW ->
          if :: v != 0 -> SET(buf[m], v) :: else fi;
          if :: lg[o] != WIN(ep) -> remember(o); lg[o] = WIN(ep) :: else fi
       :: phase == IDLE ->
          if :: lg[o] != ep -> remember(o); lg[o] = ep :: else fi
       :: phase == TRACE -> slow = (lg[o] != ep)
       fi };
     if
     :: slow ->
        atomic { shade(m, l[o]); if :: o == 1 -> shade(m, r) :: else fi };
        atomic { remember(o) };
        atomic { lg[o] = ep; slow = false }
     :: else
     fi;
     atomic { if :: right -> r = v :: else -> l[o] = v fi; o = 0; v = 0; right = false; busy[m] = false }
  od
}

/* where thread m scans its registers it may have dropped some */
inline drop_and_scan(m) {
  if
  :: skip
  :: regs[m] != 0 -> regs[m] = 0
  :: HAS(regs[m], 2) -> regs[m] = regs[m] & (255 - BIT(2))
  :: HAS(regs[m], 3) -> regs[m] = regs[m] & (255 - BIT(3))
  fi;
  i = 1;
  do
  :: i <= OBJS -> if :: HAS((regs[m] | BIT(1)), i) && !HAS(mark, i) -> SET(W, i) :: else fi; i++
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
     :: i <= OBJS -> if :: HAS(R, i) && l[i] != 0 -> SET(R, l[i]) :: else fi; i++
     :: else -> break
     od;
     if :: r != 0 -> SET(R, r) :: else fi;
     j++
  :: else -> break
  od;
  i = 0; j = 0
}

#define REFERS_YOUNG(x) (l[x] != 0 && !HAS(mark, l[x]) || x == 1 && r != 0 && !HAS(mark, r))

inline check_settled() {
  i = 1;
  do
  :: i <= OBJS ->
     assert(age[i] <= N);
     if
     :: HAS(alloced, i) ->
        assert((HAS(mark, i) != 0) == OLD(i));                  /* B */
        assert(age[i] == seen[i]);                              /* C */
        if
        :: HAS(mark, i) ->
           assert(l[i] == 0 || HAS(alloced, l[i]));
           assert(!REFERS_YOUNG(i) || rn[i] > 0)                /* D */
        :: else
        fi
     :: else -> assert(!HAS(mark, i) && rn[i] == 0)             /* B */
     fi;
     i++
  :: else -> break
  od;
  i = 0
}

#ifdef OVERFLOW
/* no marker is at work */
inline rescan() {
  flag = false; k = mark & (255 - bornlive);
  i = 1;
  do
  :: i <= OBJS ->
     if
     :: HAS(k, i) ->
#if MUTANT==22
        if :: age[i] < N -> age[i]++ :: else fi;
#else
        age[i] = N; SET(rescanned, i);
#endif
        x = i;
#if MUTANT!=24
        judges = !major;
#endif
        scan(x);
        x = 0
     :: else
     fi;
     i++
  :: else -> break
  od;
  i = 0; k = 0
}
#endif

init {
  byte x, y, a, i, j, k, R, cycle;
  bool m, judges, enters;

  atomic {
    alloced = BIT(1) | BIT(2) | BIT(3);
#if OPS1 > 0
    regs[0] = BIT(2); regs[1] = BIT(3);
#else
    regs[0] = BIT(2) | BIT(3);
#endif
    age[1] = N;
    if :: age[2] = 0 :: age[2] = N - 1 :: age[2] = N fi;
    if :: age[3] = 0 :: age[3] = N - 1 :: age[3] = N fi;
#ifdef NARROW
    l[1] = 2; l[2] = 3; r = 3;
#else
    if :: skip :: l[1] = 2 fi;
    if :: skip :: r = 3 fi;
    if :: skip :: l[2] = 3 fi;
#endif
    i = 1;
    do
    :: i <= 3 ->
       seen[i] = age[i];
       if :: OLD(i) -> SET(mark, i) :: else fi;
       lg[i] = (age[i] == 0 -> ep : STALE);
       i++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= 3 ->
       if
       :: OLD(i) && REFERS_YOUNG(i) -> lg[i] = ep;
          if :: rn[i] = 1 :: i == 1 -> rn[i] = LIMIT fi
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
     atomic {                   /* H1 */
       !busy[0] && !busy[1];
#ifdef MAJOR
       if :: major = false :: major = true fi;
#endif
       i = 1;
       do
       :: i <= OBJS ->
          assert(rn[i] == 0 || HAS(alloced, i));
#if MUTANT!=15
          if :: !major -> rk[i] = rn[i] :: else fi;
#endif
#if MUTANT!=10
          rn[i] = 0;
#endif
          i++
       :: else -> break
       od;
       i = 0;
       phase = WINDOW
     };
     atomic {                   /* H2 and H3 */
       !busy[0] && !busy[1];
       ep++; phase = TRACE; births_live = true;
       if :: major -> mark = 0 :: else fi;
       drop_and_scan(0);
#if OPS1 > 0
       drop_and_scan(1);
#endif
       i = 0
     };
     do
     :: task()
#ifdef OVERFLOW
     :: atomic { flag && W == 0 && ROOTS == 0 && working == 0 -> working++ };
        rescan();
        atomic { working-- }
#endif
     :: atomic { W == 0 && ROOTS == 0 && working == 0 && !flag && !busy[0] && !busy[1] -> /* flush */
          W = (buf[0] | buf[1]) & (255 - mark); buf[0] = 0; buf[1] = 0;
          if :: W == 0 -> break :: else fi }
     od;
     atomic {
       !busy[0] && !busy[1];
       phase = IDLE; buf[0] = 0; buf[1] = 0;
#if MUTANT!=10
       i = 1;                   /* what will be swept leaves the set */
       do
       :: i <= OBJS -> if :: !HAS(mark, i) -> rn[i] = 0 :: else fi; i++
       :: else -> break
       od;
       i = 0
#endif
     };
#if MUTANT==4
     mark = mark & (255 - listed); listed = 0;
#endif
     d_step {                   /* sweep: TAKEN is made from MARK */
       reachable();
       assert((R & (ALL - mark)) == 0);         /* A */
       alloced = alloced & mark;
       i = 1;
       do
       :: i <= OBJS ->
          if
          :: !HAS(alloced, i) -> l[i] = 0; lg[i] = 0; age[i] = 0; seen[i] = 0
          :: HAS(alloced, i) && !HAS(bornlive, i) ->
             seen[i] = ((seen[i] == N || PROMOTES_ALL || HAS(rescanned, i)) -> N : seen[i] + 1)
          :: else
          fi;
          i++
       :: else -> break
       od;
       i = 0; R = 0
     };
     d_step {                   /* clear the bits of births and of unpromoted survivors */
#if MUTANT==23
       mark = mark & (255 - listed);
#elif MUTANT!=3 && MUTANT!=4
       i = 1;
       do
       :: i <= OBJS -> if :: HAS(listed, i) && !OLD(i) -> mark = mark & (255 - BIT(i)) :: else fi; i++
       :: else -> break
       od;
       i = 0;
#endif
       listed = 0;
#if MUTANT!=13
       mark = mark & (255 - bornlive);
#endif
#ifdef OVERFLOW
       rescanned = 0;
#endif
       bornlive = 0; births_live = false; major = false; cycle++;
       check_settled()
     }
  :: else -> break
  od;
  over = true
}
