/*
 * join.pml: threads that join and leave in the middle of any phase of a minor
 * cycle.
 *
 * Modelled: a thread that joins adopts the armed phase under the registry lock and is not asked
 * again in that handshake; one that leaves runs a pending request, then, under the lock,
 * publishes its SATB buffer and its part of the remembered set and unregisters. Which set that
 * is, its own phase says: that of idle threads or that of threads past their H1, of which what
 * is marked joins the first after IDLE. Arming (target phase and snapshot) holds the lock. A
 * section under the lock is one step here (claim.pml has the lock itself). Stores take the
 * barrier without log words (start.pml has them): rs gets every old object stored to, deletions
 * are shaded from H2 to F, new values in the window. One shared root G. Births are live from H2
 * until SETTLE. Sequentially consistent memory.
 *
 * Objects: 1 old, reachable for ever; 2 young, at the start in a register of
 * thread 0, in object 1 (stored by thread 0) or in G; 3 is born once, by any thread, at any time.
 * Bounds: 2 threads. Thread 0 is attached at the start, thread 1 joins at
 * any time; LIVES0 and LIVES1 registrations of each, OPS operations of each
 * registration (load, store, load or store of G, birth). One cycle.
 *
 * Assertions:
 *  A  nothing reachable is swept, and nothing swept is met;
 *  B  nothing is grey when the sweep begins;
 *  C  afterwards rs(k+1) has object 1 if that references a young one;
 *  D  when a handshake is over, every registered thread is in its phase (not
 *     asserted in mutants 4, 5, 10 and 11, which must lose an object to fail).
 *
 * Run:
 *   spin -a [-DOPS=n] [-DLIVES0=n -DLIVES1=n] [-DMUTANT=n] join.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  leaving does not publish the SATB buffer
 *  2  leaving does not publish the part of the remembered set
 *  3  leaving unregisters, then publishes
 *  4  joining reads the armed phase without the lock
 *  5  joining adopts IDLE always
 *  6  births of a thread that joined after H2 are not live
 *  7  leaving does not run a pending request first (must PASS: it publishes to the set of its own
 *     phase, and its roots are gone; that nobody leaves unacknowledged is for who counts)
 *  8  a part is published to the set that the armed phase says, not the thread's own
 *  9  arming takes the snapshot first and sets the target later
 * 10  joining adopts the phase that all have acknowledged, not the armed one
 * 11  [OPS=2] joining adopts TRACE during the window (it shades no new values)
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   OPS=1: 260,313, 159   OPS=1, LIVES 2 and 2: 1,838,730, 185
 *   OPS=2: 5,515,327, 177
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef LIVES0
#define LIVES0 1
#endif
#ifndef LIVES1
#define LIVES1 1
#endif
#define LIVES(m) (m == 0 -> LIVES0 : LIVES1)

#define BIT(x) (1 << (x))
#define SET(s,x) s = s | BIT(x)
#define HAS(s,x) (s & BIT(x))
#define OBJ 14                  /* bits 1..3; object 0 is NULL */

/* requests, and the phase that a request leads to */
#define NOTHING 0
#define H1 1
#define H2 2
#define H3 3
#define F 4
#define ENDED 5                 /* the IDLE handshake: births still live */
#define SETTLE 6
#define IDLE(p) (p == NOTHING || p == ENDED || p == SETTLE)
#define WINDOW(p) (p == H1 || p == H2)
#define DELETES(p) (p == H2 || p == H3 || p == F)
#define LIVE(p) (p >= H2 && p <= ENDED)

byte field[4];
byte G;
byte mark, bornlive, alloced, W;
byte regs[2], buf[2], rsl[2], ph[2], req[2];
bool here[2];                   /* registered */
bool blocked[2];
byte rsk, rsn;
byte armed, acked;              /* target; last handshake that is over */
bool over;

inline shade(m, x) {
  if :: x != 0 && !HAS(mark, x) -> SET(buf[m], x) :: else fi
}
inline grey(x) {
  if :: x != 0 && !HAS(mark, x) -> SET(mark, x); SET(W, x) :: else fi
}
inline grey_all(s) {
  if :: HAS(s, 2) -> grey(2) :: else fi;
  if :: HAS(s, 3) -> grey(3) :: else fi
}
#if MUTANT==8
#define SET_OF(m) armed
#else
#define SET_OF(m) ph[m]
#endif
inline publish_part(m) {
  if
  :: IDLE(SET_OF(m)) -> rsk = rsk | rsl[m]
  :: else -> rsn = rsn | rsl[m]
  fi;
  rsl[m] = 0
}
inline publish(m) {
#if MUTANT!=1
  grey_all(buf[m]);
#endif
  buf[m] = 0;
#if MUTANT!=2
  publish_part(m);
#endif
  rsl[m] = 0
}
inline do_poll(m) {
  d_step {
    if
    :: req[m] == H1 -> publish_part(m)
    :: req[m] == H3 -> grey_all(regs[m])
    :: req[m] == F -> grey_all(buf[m]); buf[m] = 0; publish_part(m)
    :: req[m] == ENDED -> buf[m] = 0
    :: else
    fi;
    ph[m] = req[m]; req[m] = 0
  }
}
/* registers are dropped only where they are scanned */
inline drop(m) {
  if :: skip :: req[m] == H3 -> regs[m] = 0 fi
}
inline pick(x, s) {
  if
  :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1
  :: HAS(s, 2) -> x = 2 :: HAS(s, 3) -> x = 3
  fi
}

proctype mutator(byte m) {
  byte o, v, n, lives;

  if
  :: m == 0 -> lives = 1; goto attached
  :: m == 1
  fi;
outside:
  if
  :: over -> goto gone
  :: lives < LIVES(m) && !over -> lives++
  :: lives == LIVES(m) -> goto gone
  fi;
#if MUTANT==4
  v = armed;
  atomic { ph[m] = v; here[m] = true; v = 0 };
#else
  atomic { here[m] = true;                      /* join, under the lock */
#if MUTANT==5
    ph[m] = NOTHING
#elif MUTANT==10
    ph[m] = acked
#elif MUTANT==11
    ph[m] = (IDLE(armed) -> armed : H3)
#else
    ph[m] = armed
#endif
  };
#endif
attached:
  do
  :: over -> goto gone
  :: atomic { req[m] != 0 -> drop(m); do_poll(m) }
  :: atomic { n == OPS ->                       /* blocked from now on */
       if :: req[m] != 0 -> drop(m); do_poll(m) :: else fi;
       blocked[m] = true; goto gone }
  :: atomic { n < OPS && !HAS(regs[m], field[1]) && field[1] > 1 -> n++;   /* load */
       assert(HAS(alloced, field[1])); SET(regs[m], field[1]) }
  :: atomic { n < OPS && !HAS(regs[m], G) && G > 1 -> n++;      /* load G */
       assert(HAS(alloced, G)); SET(regs[m], G) }
  :: atomic { n < OPS && !HAS(alloced, 3) -> n++;               /* birth */
       SET(alloced, 3); SET(regs[m], 3);
#if MUTANT==6
       if :: LIVE(ph[m]) && lives == 1 && m == 0 -> SET(mark, 3); SET(bornlive, 3) :: else fi
#else
       if :: LIVE(ph[m]) -> SET(mark, 3); SET(bornlive, 3) :: else fi
#endif
     }
  :: atomic { n < OPS -> n++;                   /* root store */
       pick(v, (regs[m] | 1));
       if :: DELETES(ph[m]) -> shade(m, G) :: else fi;
       if :: WINDOW(ph[m]) -> shade(m, v) :: else fi };
     atomic { G = v; v = 0 }
  :: atomic { n < OPS -> n++;                   /* store into 1 or a held one */
       pick(o, (regs[m] | 2)); pick(v, (regs[m] | 1));
       assert(HAS(alloced, o));
       if :: o == 1 -> SET(rsl[m], 1) :: else fi;
       if :: DELETES(ph[m]) -> shade(m, field[o]) :: else fi;
       if :: WINDOW(ph[m]) -> shade(m, v) :: else fi };
     atomic { field[o] = v; o = 0; v = 0 }
#if MUTANT==7
  :: atomic { true ->
       publish(m); regs[m] = 0; req[m] = 0; here[m] = false; ph[m] = 0; n = 0; goto outside }
#elif MUTANT==3
  :: atomic { req[m] == 0 -> regs[m] = 0; here[m] = false };
     atomic { publish(m); ph[m] = 0; n = 0; goto outside }
#else
  :: atomic { req[m] == 0 ->                    /* leave, under the lock */
       publish(m); regs[m] = 0; here[m] = false; ph[m] = 0; n = 0; goto outside }
#endif
  od;
gone:
  skip
}

inline handshake(k) {
#if MUTANT==9
  atomic {
    if :: here[0] -> req[0] = k :: else fi;
    if :: here[1] -> req[1] = k :: else fi
  };
#endif
  atomic {
    armed = k;
#if MUTANT!=9
    if :: here[0] -> req[0] = k :: else fi;
    if :: here[1] -> req[1] = k :: else fi;
#endif
    if :: blocked[0] && req[0] != 0 -> drop(0); do_poll(0) :: else fi;
    if :: blocked[1] && req[1] != 0 -> drop(1); do_poll(1) :: else fi
  };
#if MUTANT==9
  do
  :: req[0] == 0 && req[1] == 0 -> break
  :: blocked[0] && req[0] != 0 -> atomic { drop(0); do_poll(0) }
  :: blocked[1] && req[1] != 0 -> atomic { drop(1); do_poll(1) }
  od;
#else
  req[0] == 0 && req[1] == 0;
#endif
  atomic {
#if MUTANT!=4 && MUTANT!=5 && MUTANT!=10 && MUTANT!=11
    assert((!here[0] || ph[0] == k) && (!here[1] || ph[1] == k));      /* D */
#endif
    acked = k
  }
}

active proctype collector() {
  byte x, y, R;

  atomic {
    alloced = BIT(1) | BIT(2); mark = BIT(1); here[0] = true;
    if
    :: regs[0] = BIT(2)
    :: field[1] = 2; rsl[0] = BIT(1)
    :: G = 2
    fi;
    run mutator(0); run mutator(1)
  };
  handshake(H1);
  handshake(H2);
  handshake(H3);
  atomic { grey(G) };
  atomic { W = W | (rsk & mark); rsk = 0 };
  do
  :: W != 0 ->
     atomic {
       x = 1; do :: HAS(W, x) -> break :: else -> x++ od;
       assert(HAS(alloced, x));
       W = W & (255 - BIT(x)); y = field[x] };
     atomic { grey(y); x = 0; y = 0 }
  :: else ->
     handshake(F);
     if :: W == 0 -> break :: else fi
  od;
  handshake(ENDED);
  atomic { rsk = rsk | (rsn & mark); rsn = 0 };
  d_step {                                      /* sweep */
    assert(W == 0);                             /* B */
    R = (BIT(1) | regs[0] | regs[1] | BIT(G)) & OBJ;
    R = (R | BIT(field[1])) & OBJ;
    if :: HAS(R, 2) -> R = (R | BIT(field[2])) & OBJ :: else fi;
    if :: HAS(R, 3) -> R = (R | BIT(field[3])) & OBJ :: else fi;
    if :: HAS(R, 2) -> R = (R | BIT(field[2])) & OBJ :: else fi;
    assert((R & (255 - mark)) == 0);            /* A */
    if :: !HAS(mark, 2) -> field[2] = 0 :: else fi;
    if :: !HAS(mark, 3) -> field[3] = 0 :: else fi;
    alloced = alloced & mark; R = 0
  };
  handshake(SETTLE);
  d_step {
    mark = mark & (255 - bornlive);
    assert(field[1] < 2 || HAS(mark, field[1]) || HAS((rsk | rsl[0] | rsl[1]), 1))     /* C */
  };
  over = true
}
