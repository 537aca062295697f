/*
 * kind.pml: the kind of a cycle, settled when all have acknowledged H1; entries that the
 * remembered sets lose; and objects that find no packet in the window, when
 * nobody knows yet which bitmap will be MARK. Minor and major cycles in any order.
 *
 * Modelled: two mutators that poll between operations; H1, H2, H3, flush rounds, IDLE; log words;
 * both copies of MARK. The set of idle threads (rs[0]) and that of threads past their H1 (rs[1]),
 * which becomes the first after IDLE, and a flag for each, set by who loses an entry. A cycle is
 * proposed as minor or major; it is a major if rs(k) has lost entries when H1 is over. A major
 * switches MARK then, and drops rs(k) and its flag after H3. A thread in its window that finds no packet sets the
 * object's bit in both copies and the re-scan flag, unless it is set in the spare already; one
 * past its H2 uses MARK alone. A re-scan scans all that is marked in the block; in a minor it
 * clears the spare there. The sweep of a major clears the spare; that of a minor does not look at
 * blocks without young objects (here: at none). Objects are promoted by the second minor or the
 * first major that marks them, or by a re-scan (promote.pml has the details): it takes a second
 * cycle for a young object to be lost for want of an entry.
 * Simplified: one block; one field per object; no births but with -DBIRTH, no shared roots;
 * appends are public at once (start.pml has private parts); one marker, for which to scan an
 * object is one step. Object slots are not reused. Sequentially consistent memory.
 *
 * Bounds: 3 objects: 1 old and held by both for ever; 2 young; 3 old or young. Thread 1 holds 2
 * at first, or 1 references it and is logged; 3 is referenced by 2, or thread 1 holds it. OPS0
 * and OPS1 operations (load, store) over CYCLES (2) cycles; then a thread is blocked. Registers
 * are dropped only where they are scanned. LOSSES (1) entries are lost (one of them perhaps
 * before the start), OVERFLOWS (1) objects find no packet, at any time. -DINIT: thread 1 holds 2
 * and 3. -DBIRTH: thread 1 holds 2; 3 is born at thread 0's first H2, and thread 1 gets it too.
 *
 * Assertions:
 *  A  nothing reachable is swept, and nothing swept is met;
 *  B  what becomes MARK in a major was clear when the cycle began;
 *  C  when a cycle is over, every marked object that references one that is not is in the set, or the
 *     set's flag is up.
 *
 * Run:
 *   spin -a [-DOPS0=n -DOPS1=n] [-DCYCLES=n] [-DINIT] [-DBIRTH] [-DLOSSES=n]
 *        [-DOVERFLOWS=n] [-DMUTANT=n] kind.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail:
 *  1  [BIRTH, OPS1=2] one flag for both sets (a loss in the window then makes this cycle a major and
 *     is forgotten; a birth that is stored into the same object in the window is lost later)
 *  2  the flag is looked at before H1 is armed only, and reset after H1
 *  3  the flag is reset when H1 is armed, and looked at after H1
 *  4  an overflow in the window sets the bit in MARK only
 *  5  an overflow in the window sets the bit in the spare only
 *  6  a re-scan in a minor leaves the spare's bit
 *  7  an overflow in the window returns when the bit of MARK is set already
 *  8  after IDLE the first flag becomes what the second one is, whatever it was
 *  9  the second flag is moved before IDLE is acknowledged
 * 10  shades of the window are filtered by MARK because a minor was proposed
 * 11  the cycle stays what it was proposed as
 * 12  an overflow in the window sets no re-scan flag
 * 13  [BIRTH] the flag of a major's rs(k) is reset when IDLE has been acknowledged
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   LOSSES=0: 3,366,228, 244   OVERFLOWS=0: 5,171,558, 226
 *   OPS0=3 OPS1=1 CYCLES=1 INIT LOSSES=0: 3,075,236, 161
 *   OPS0=0 OPS1=1 BIRTH OVERFLOWS=0: 368,845, 205
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 1
#endif
#define OPS(m) (m == 0 -> OPS0 : OPS1)
#ifndef CYCLES
#define CYCLES 2
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef OVERFLOWS
#define OVERFLOWS 1
#endif

#define OBJS 3
#define BIT(x) (1 << (x))       /* object 0 is NULL; bit 0 is never kept */
#define SET(s,x) s = s | BIT(x)
#define HAS(s,x) (s & BIT(x))
#define ALL 14                  /* bits 1..3 */

#define IDLE 0                  /* what a thread last acknowledged */
#define WIN1 1
#define WIN2 2
#define TRACE 3

#define RQ_H1 1
#define RQ_H2 2
#define RQ_H3 3
#define RQ_F 4
#define RQ_IDLE 5

#define STALE 15
#define WINDOW(e) (8 + (e))

byte field[OBJS+1], lg[OBJS+1];
byte alloced, mark[2], cur;     /* cur: which copy is MARK */
byte prom, once, born;          /* promoted; survived one cycle; births of the cycle */
byte epoch;                     /* from H2 on that of the cycle */
byte regs[2], buf[2], ph[2], ep[2], req[2];
byte mine[2];                   /* which copy is MARK, as far as the thread knows */
bool blocked[2];
byte rs[2], W;
bool lost[2];
byte losses = LOSSES, overflows = OVERFLOWS;
bool flag;                      /* of the block: scan it again */
bool major, over;

#define SIDE(m) (ph[m] == IDLE -> 0 : 1)
#if MUTANT==1
#define FLAG(m) 0
#define TRACER 0
#else
#define FLAG(m) SIDE(m)
#define TRACER 1
#endif

inline remember(m, o) {
  if
  :: SET(rs[SIDE(m)], o)
  :: losses > 0 -> losses--; lost[FLAG(m)] = true
  fi
}

#if MUTANT==7
#define RETURNS(m, x) HAS(mark[mine[m]], x)
#elif MUTANT==4
#define RETURNS(m, x) HAS(mark[mine[m]], x)
#else
#define RETURNS(m, x) (ph[m] == WIN1 -> HAS(mark[1-mine[m]], x) : HAS(mark[mine[m]], x))
#endif

/* the flag is seen when the thread has acknowledged what is asked next */
inline overflow(m, x) {
  if
  :: !RETURNS(m, x) ->
     if
     :: ph[m] == WIN1 ->
#if MUTANT!=5
        SET(mark[mine[m]], x);
#endif
#if MUTANT!=4
        SET(mark[1-mine[m]], x)
#endif
     :: else -> SET(mark[mine[m]], x)
     fi;
#if MUTANT==12
     if :: ph[m] != WIN1 -> flag = true :: else fi
#else
     flag = true
#endif
  :: else
  fi
}

inline shade_always(m, x) {
  if
  :: x == 0
  :: x != 0 -> SET(buf[m], x)
  :: x != 0 && overflows > 0 -> overflows--; overflow(m, x)
  fi
}
inline shade(m, x) {
  if :: x != 0 && !HAS(mark[mine[m]], x) -> shade_always(m, x) :: else fi
}
inline shade_new(m, x) {
#if MUTANT==10
  if :: major || x == 0 || !HAS(mark[mine[m]], x) -> shade_always(m, x) :: else fi
#else
  shade_always(m, x)
#endif
}

inline grey(x) {
  if :: x != 0 && !HAS(mark[cur], x) -> SET(mark[cur], x); SET(W, x) :: else fi
}
inline grey_all(s) {
  t = 1;
  do
  :: t <= OBJS -> if :: HAS(s, t) -> grey(t) :: else fi; t++
  :: else -> break
  od;
  t = 0
}

inline drop(m) {
  if
  :: skip
  :: req[m] == RQ_H3 && regs[m] != 0 -> regs[m] = 0
  fi
}

inline do_poll(m) {
  d_step {
    if
    :: req[m] == RQ_H1 -> ph[m] = WIN1
    :: req[m] == RQ_H2 -> ep[m]++; mine[m] = cur; ph[m] = WIN2;
#ifdef BIRTH
       if
       :: m == 0 && ep[0] == 1 ->
          alloced = ALL; SET(mark[cur], 3); born = BIT(3); lg[3] = ep[0];
          SET(regs[0], 3); SET(regs[1], 3)
       :: else
       fi
#endif
    :: req[m] == RQ_H3 -> grey_all((regs[m] | 2)); ph[m] = TRACE
    :: req[m] == RQ_F -> grey_all(buf[m]); buf[m] = 0
    :: req[m] == RQ_IDLE -> buf[m] = 0; ph[m] = IDLE
    fi;
    req[m] = 0
  }
}

inline pick(x, s) {
  if
  :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1 :: HAS(s, 2) -> x = 2
  :: HAS(s, 3) -> x = 3
  fi
}

#define NEW(m, o) (HAS((regs[m] | 2), o) && !HAS((regs[m] | 3), field[o]))

proctype mutator(byte m) {
  byte o, v, t, n;
  bool slow;

  do
  :: atomic { n == OPS(m) ->
       if :: req[m] != 0 -> drop(m); do_poll(m) :: else fi;
       blocked[m] = true; break }
  :: over -> break
  :: atomic { req[m] != 0 -> drop(m); do_poll(m) }

  :: atomic { n < OPS(m) && (NEW(m, 1) || NEW(m, 2) || NEW(m, 3)) -> n++;     /* load */
       if
       :: NEW(m, 1) -> v = field[1] :: NEW(m, 2) -> v = field[2]
       :: NEW(m, 3) -> v = field[3]
       fi;
       assert(HAS(alloced, v));                         /* A */
       SET(regs[m], v); v = 0 }

  :: atomic { n < OPS(m) -> n++;                        /* store */
       pick(o, (regs[m] | BIT(1)));
       pick(v, (regs[m] | BIT(0)));
       assert(HAS(alloced, o));
       if
       :: ph[m] == IDLE ->
          if :: lg[o] != ep[m] -> remember(m, o); lg[o] = ep[m] :: else fi
       :: ph[m] == WIN1 ->
          shade_new(m, v);
          if :: lg[o] != WINDOW(ep[m]) -> remember(m, o); lg[o] = WINDOW(ep[m]) :: else fi
       :: ph[m] == WIN2 -> shade_new(m, v); slow = (lg[o] != ep[m])
       :: ph[m] == TRACE -> slow = (lg[o] != ep[m])
       fi };
     if
     :: slow ->
        atomic { shade(m, field[o]) };
        atomic { remember(m, o); lg[o] = ep[m]; slow = false }
     :: else
     fi;
     atomic { field[o] = v; o = 0; v = 0 }
  od
}

inline handshake(k) {
  atomic {
    req[0] = k; req[1] = k;
    if :: blocked[0] -> drop(0); do_poll(0) :: else fi;
    if :: blocked[1] -> drop(1); do_poll(1) :: else fi
  };
  req[0] == 0 && req[1] == 0
}

inline reachable() {
  R = (BIT(1) | regs[0] | regs[1]) & ALL;
  t = 0;
  do
  :: t < OBJS -> x = 1;
     do
     :: x <= OBJS -> if :: HAS(R, x) -> R = (R | BIT(field[x])) & ALL :: else fi; x++
     :: else -> break
     od;
     t++
  :: else -> break
  od;
  x = 0; t = 0
}

active proctype collector() {
  byte x, y, t, R, cycle;

  atomic {
    alloced = ALL; prom = BIT(1); lg[1] = STALE;
    if :: SET(prom, 3); lg[3] = STALE :: skip fi;
    mark[0] = prom;
#ifdef BIRTH
    alloced = BIT(1) | BIT(2); prom = BIT(1); mark[0] = prom; regs[1] = BIT(2);
#elif defined(INIT)
    regs[1] = BIT(2) | BIT(3);
#else
    if
    :: regs[1] = BIT(2)
    :: field[1] = 2; lg[1] = 0; rs[0] = BIT(1)
    fi;
    if :: field[2] = 3 :: SET(regs[1], 3) fi;
#endif
    if :: losses > 0 -> losses--; lost[0] = true :: skip fi;
    run mutator(0); run mutator(1)
  };
  do
  :: cycle < CYCLES ->
     atomic {
       assert((rs[0] & (ALL - alloced)) == 0 && mark[1-cur] == 0);      /* B */
       if :: major = true :: major = false fi;
#if MUTANT==2
       major = major || lost[0];
#elif MUTANT==3
       lost[0] = false
#endif
     };
     handshake(RQ_H1);
     atomic {                                           /* the kind is settled */
#if MUTANT!=2 && MUTANT!=11
       major = major || lost[0];
#endif
#if MUTANT==2 || MUTANT==11
       lost[0] = false;
#endif
       if :: major -> cur = 1 - cur :: else fi;
       epoch++ };
     handshake(RQ_H2);
     handshake(RQ_H3);
#if MUTANT!=13
     atomic { if :: major -> rs[0] = 0; lost[0] = false :: else fi };   /* dropped */
#else
     atomic { if :: major -> rs[0] = 0 :: else fi };
#endif
     atomic { W = W | (rs[0] & mark[cur]); rs[0] = 0 };
     do
     :: W != 0 ->
        atomic {
          x = 1; do :: HAS(W, x) -> break :: else -> x++ od;
          assert(HAS(alloced, x));                      /* A */
          W = W & (255 - BIT(x)); y = field[x];
          if                                            /* judge, enter */
          :: !major && HAS((prom | once), x) && y != 0 && !HAS((prom | once), y) &&
             lg[x] != epoch && lg[x] != WINDOW(epoch - 1) ->
             lg[x] = epoch;
             if :: SET(rs[1], x) :: losses > 0 -> losses--; lost[TRACER] = true fi
          :: else
          fi;
          grey(y); x = 0; y = 0 }
     :: W == 0 && flag ->                               /* re-scan */
        atomic {
          flag = false;
          W = mark[cur] & (ALL - born); prom = prom | W;
#if MUTANT!=6
          if :: !major -> mark[1-cur] = 0 :: else fi
#endif
        }
     :: W == 0 && !flag ->
        handshake(RQ_F);
        if :: W == 0 && !flag -> break :: else fi
     od;
#if MUTANT==9
     atomic { lost[0] = lost[0] || lost[1]; lost[1] = false };
#endif
     handshake(RQ_IDLE);
#if MUTANT==13
     atomic { if :: major -> lost[0] = false :: else fi };
#endif
     atomic {
       rs[0] = rs[0] | (rs[1] & mark[cur]); rs[1] = 0;
#if MUTANT==8
       lost[0] = lost[1]; lost[1] = false
#elif MUTANT!=9
       lost[0] = lost[0] || lost[1]; lost[1] = false
#endif
     };
     d_step {                                           /* sweep */
       reachable();
       assert((R & (ALL - mark[cur])) == 0);            /* A */
       x = 1;
       do
       :: x <= OBJS -> if :: !HAS(mark[cur], x) -> field[x] = 0; lg[x] = 0 :: else fi; x++
       :: else -> break
       od;
       alloced = alloced & mark[cur];
       if :: major -> mark[1-cur] = 0; prom = 0; once = ALL - born :: else fi;
       prom = (prom | once) & mark[cur];                /* the clearing */
       once = (once | mark[cur]) & (alloced - born);
       mark[cur] = prom; born = 0;
       x = 1;                                           /* C */
       do
       :: x <= OBJS ->
          y = field[x];
          if
          :: HAS(mark[cur], x) && y != 0 ->
             assert(HAS(alloced, y));
#if MUTANT!=1 && MUTANT!=8 && MUTANT!=9
             assert(HAS(mark[cur], y) || HAS(rs[0], x) || lost[0])
#endif
          :: else
          fi;
          x++
       :: else -> break
       od;
       x = 0; y = 0; R = 0; major = false; cycle++
     }
  :: else -> break
  od;
  over = true
}
