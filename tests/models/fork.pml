/*
 * fork.pml: fork at any point of a cycle, and the child's first cycle.
 *
 * This is the protocol on paper; no code calls it yet. Rules, in atfork order:
 *   prepare  the forking thread waits for the registry lock (and, in the code, the packet and slab locks, always in
 *            that order) as a blocked region, and holds them RUNNING, with no claim granted.
 *   parent   releases them.
 *   child    no other thread exists, and what they were doing is never finished:
 *    F.1  registry: all other records are unlinked; no private packet of theirs is read.
 *    F.2  claims := 0, acknowledged := request, poll word := 0; nobody drives, nobody stops the world, `active` := 0,
 *         locks and counts that stand for a vanished thread (driver, walkers, waiters) are made anew.
 *    F.3  the cycle is abandoned: phase IDLE, births not live, grey and remembered packets dropped.
 *    F.4  epoch := armed epoch + 2. The armed one is the newest that any log may have, and armed + 1 the
 *         newest window value.
 *    F.5  a block that is offered stays offered; one that the survivor holds stays his; every other one (HELD by a dead thread, in
 *         nobody's hands between two states, under sweep) becomes RETIRED and not clean. Nothing is
 *         allocated in it, at the published cursor or anywhere, before a sweep has made TAKEN from the MARK of
 *         a cycle that began in the child; and nobody parses it beyond the published cursor.
 *    F.6  the collector is started when the first cycle is asked for. It clears the spare MARK of
 *         all blocks before it arms H1, and the cycle is a major.
 *
 * Modelled: survivor S (0), another thread O (1), a collector C with one major cycle (claims, handshakes, trace, stepwise sweep), all
 * of which may be anywhere when S forks. O takes a block, gives birth in it (header written, then bump moved),
 * stores, leaves (a registry change of two steps under the lock, its block ORPHAN with the cursor). The
 * child runs one major, stepwise, beside S: which loads, stores, takes the block and gives birth in it, and enters and leaves a
 * blocked region. The image of the child is that of one moment: POSIX does not promise it for memory that other
 * threads write during fork. Sequentially consistent memory. The cycle is the one of start.pml.
 *
 * Objects: 1 old, a root for ever; 2 young, below 1 and perhaps in a register of S or O; 3 born by O at place 0 of block D; 4
 * born by S in the child, where D has room (2 places). OPSO, OPSP, OPSC: operations of O, of S before the
 * fork, of S in the child.
 *
 * Assertions (in the child):
 *  A  nothing reachable is swept, and nothing swept is met;
 *  B  a store finds its object logged in this epoch (or window) only if the child did it;
 *  C  memory handed out is zero and overlaps nothing reachable;
 *  D  no closure runs for a cycle of the parent;
 *  E  list and count of the registry agree;
 *  F  after the cycle D is offered or the survivor's: no memory is lost;
 *  and no invalid end state: S comes back from its blocked region, the cycle ends.
 *
 * Run:
 *   spin -a [-DOPSO=n -DOPSP=n -DOPSC=n] [-DINIT=n] [-DMUTANT=n] fork.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  the epoch stays the survivor's own
 *  2  the epoch becomes the armed one, not a later one
 *  3  claims are kept
 *  4  a pending request is kept
 *  5  the driver's lock is kept
 *  6  `active` is kept
 *  7  the spare MARK is not cleared
 *  8  the first cycle is a minor
 *  9  a dead thread's block becomes an ORPHAN at its published cursor
 * 10  the same at the dead thread's own bump
 * 11  a block in nobody's hands is left as it is
 * 12  prepare takes no locks
 * 13  the survivor keeps its phase (must PASS in these bounds: the child's H1 sets it)
 * 14  the epoch is renewed only if a cycle was under way, and B is not asserted
 *     outside cycles (must PASS: sound, and chains of forks cost no epochs)
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   OPSO=0 INIT=0: 276,799, 296
 * With OPSO=1 no complete search has been made (2 million states without an error).
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPSO
#define OPSO 1
#endif
#ifndef OPSP
#define OPSP 0
#endif
#ifndef OPSC
#define OPSC 1
#endif

#define BIT(x) (1 << (x))
#define SET(s,x) s = s | BIT(x)
#define HAS(s,x) (s & BIT(x))
#define ALL 30                  /* objects 1..4; 0 is NULL */

#define S 0
#define O 1

/* requests, and the phase that each leads to; F leads nowhere */
#define IDLE 0
#define H1 1
#define H2 2
#define H3 3
#define F 4
#define ENDED 5
#define SETTLE 6
#define WINDOW(p) (p == H1 || p == H2)
#define DELETES(p) (p == H2 || p == H3)
#define WIN(e) (e + 1)

/* block D */
#define OFFERED 0               /* from `cursor` on */
#define TRANSIT 1               /* its mask bit is clear, its state not yet set */
#define HELD 2                  /* by O */
#define MINE 3                  /* by S */
#define RETIRED 4

#define RUNNING 0
#define BLOCKED 1

byte field[5], lg[5];
byte mark[2], cur;              /* the two MARK maps; which is MARK */
byte alloced, bornlive;
byte regs[2], buf[2], rsl[2];
byte rsk, rsn, W;
byte ph[2], ep[2], req[2], state[2], claims[2];
bool live[2];                   /* births are live for the thread */
byte listed, count;             /* the registry: list and count */
bool lock;                      /* of the registry */
bool driver;                    /* the driver's lock is held */
byte busy;                      /* markers at work */
byte armed, armedep;
bool armedlive;
bool inner;                     /* a cycle is under way */
byte dstate, cursor, taken, dirty, bump, at4;
bool clean, dlive;              /* D: not zeroed when taken; born live in this cycle */
bool major;
bool forked, over;
byte logged, loggedw;           /* ghosts: logged by the child in the epoch, in the window */

inline shade(m, x) {
  if :: x != 0 && !HAS(mark[cur], x) -> SET(buf[m], x) :: else fi
}
inline shade_window(m, x) {
  if :: x != 0 && (major || !HAS(mark[cur], x)) -> SET(buf[m], x) :: else fi
}
inline grey(x) {
  if :: x != 0 && !HAS(mark[cur], x) -> SET(mark[cur], x); SET(W, x) :: else fi
}
inline grey_all(s) {
  if :: HAS(s, 1) -> grey(1) :: else fi;
  if :: HAS(s, 2) -> grey(2) :: else fi;
  if :: HAS(s, 3) -> grey(3) :: else fi;
  if :: HAS(s, 4) -> grey(4) :: else fi
}

/* the closures */
inline do_poll(m) {
  d_step {
    assert(!forked || inner);                                   /* D */
    if
    :: req[m] == H1 -> rsk = rsk | rsl[m]; rsl[m] = 0; loggedw = 0
    :: req[m] == H2 -> ep[m] = armedep; live[m] = true; logged = 0;
       if
       :: m == O && dstate == HELD || m == S && dstate == MINE -> dlive = true
       :: else
       fi
    :: req[m] == H3 -> grey_all(regs[m])
    :: req[m] == F -> grey_all(buf[m]); buf[m] = 0;
       if :: !forked -> rsn = rsn | rsl[m] :: else fi; rsl[m] = 0        /* one cycle: nobody asks */
    :: req[m] == ENDED -> buf[m] = 0
    :: req[m] == SETTLE -> live[m] = false
    fi;
    if :: req[m] != F && req[m] < ENDED -> ph[m] = req[m]
       :: req[m] >= ENDED -> ph[m] = IDLE
       :: else
    fi;
    req[m] = 0
  }
}
inline drop(m) {
  if :: skip :: req[m] == H3 -> regs[m] = 0 fi
}
inline pick(x, s) {
  if
  :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1 :: HAS(s, 2) -> x = 2
  :: HAS(s, 3) -> x = 3 :: HAS(s, 4) -> x = 4
  fi
}
/* a store of v into o, its barrier first */
inline barrier(m, o, v) {
  assert(HAS(alloced, o));
  if
  :: WINDOW(ph[m]) -> shade_window(m, v)
  :: else
  fi;
  if
  :: ph[m] == H1 ->
     if
     :: lg[o] != WIN(ep[m]) -> SET(rsl[m], o); lg[o] = WIN(ep[m]); SET(loggedw, o)
     :: else -> assert(!forked || HAS(loggedw, o))              /* B */
     fi
  :: else ->
     if
     :: lg[o] != ep[m] ->
        if :: DELETES(ph[m]) -> shade(m, field[o]) :: else fi;
        SET(rsl[m], o); lg[o] = ep[m]; SET(logged, o)
     :: else ->
        assert(!forked || HAS(logged, o) || (MUTANT == 14 && ph[m] == IDLE))   /* B */
     fi
  fi
}
inline load(m) {
  pick(o, (regs[m] | 2) & (BIT(1) | regs[m]));
  assert(HAS(alloced, o));
  if :: field[o] != 0 -> assert(HAS(alloced, field[o])); SET(regs[m], field[o]) :: else fi;
  o = 0
}
#define NEWS(m) (field[1] != 0 && !HAS(regs[m], field[1]) || HAS(regs[m], 2) && field[2] != 0 && !HAS(regs[m], field[2]) || \
                 HAS(regs[m], 3) && field[3] != 0 && !HAS(regs[m], field[3]))

proctype other() {
  byte o, v, n;
  {
    do
    :: atomic { req[O] != 0 -> drop(O); do_poll(O) }
    :: atomic { n < OPSO && NEWS(O) -> n++; load(O) }
    :: atomic { n < OPSO -> n++;
         pick(o, (regs[O] | 2)); pick(v, (regs[O] | 1)); barrier(O, o, v) };
       atomic { field[o] = v; o = 0; v = 0 }
    :: atomic { n < OPSO && dstate == OFFERED && cursor == 0 && !HAS(alloced, 3) -> n++;
         dstate = TRANSIT };                            /* takes D */
       atomic { dstate = HELD; bump = 0; if :: live[O] -> dlive = true :: else fi };
       SET(dirty, 0);                                   /* the header, the bump not yet */
       atomic { bump = 1; SET(alloced, 3); lg[3] = ep[O]; SET(regs[O], 3);
         if :: live[O] -> SET(mark[cur], 3); SET(bornlive, 3) :: else fi }
    :: atomic { req[O] == 0 && !lock -> lock = true;    /* leaves */
         grey_all(buf[O]); buf[O] = 0; rsn = rsn | rsl[O]; rsl[O] = 0; regs[O] = 0;
         if :: dstate == HELD -> cursor = bump; dstate = OFFERED :: else fi;
         listed = listed & 1 };
       atomic { count--; lock = false };
       break
    :: atomic { n == OPSO ->
         if :: req[O] != 0 -> drop(O); do_poll(O) :: else fi;
         state[O] = BLOCKED; break }
    od
  } unless { forked }
}

/* One handshake: armed under the lock; then each thread by itself, or under a claim. */
inline serve(m) {
  req[m] != 0 && state[m] == BLOCKED -> claims[m] = 1;
     if
     :: atomic { state[m] == BLOCKED -> if :: req[m] != 0 -> drop(m); do_poll(m) :: else fi }
     :: state[m] == RUNNING
     fi;
     claims[m] = 0
}
inline handshake(k) {
  atomic {
    !lock;
    if :: k == H1 -> rsk = rsn; rsn = 0 :: else fi;
    if :: k == H2 -> armedep = armedep + 2; armedlive = true :: else fi;
    if :: k == SETTLE -> armedlive = false :: else fi;
    armed = k;
    if :: HAS(listed, S) -> req[S] = k :: else fi;
    if :: HAS(listed, O) -> req[O] = k :: else fi
  };
  do
  :: req[S] == 0 && req[O] == 0 -> break
  :: serve(S)
  :: atomic { req[O] != 0 && state[O] == BLOCKED -> drop(O); do_poll(O) }
  od;
  skip
}

inline reach() {
  if :: HAS(R, 1) -> R = (R | BIT(field[1])) & ALL :: else fi;
  if :: HAS(R, 2) -> R = (R | BIT(field[2])) & ALL :: else fi;
  if :: HAS(R, 3) -> R = (R | BIT(field[3])) & ALL :: else fi;
  if :: HAS(R, 4) -> R = (R | BIT(field[4])) & ALL :: else fi
}
/* everything reachable is in R */
inline reachable() {
  R = (BIT(1) | regs[S] | (forked -> 0 : regs[O])) & ALL;
  reach(); reach(); reach()
}

/* the parts of a cycle from H1 to its end */
inline cycle() {
  handshake(H1);
  atomic {
    if :: major -> cur = 1 - cur :: else fi
  };
  handshake(H2);
  handshake(H3);
  busy = 1;
  atomic { if :: major -> rsk = 0 :: else -> W = W | rsk; rsk = 0 fi; grey(1) };
  do
  :: W != 0 ->
     atomic {
       x = 1; do :: HAS(W, x) -> break :: else -> x++ od;
       assert(HAS(alloced, x));
       W = W & (255 - BIT(x)); y = field[x]; grey(y); x = 0; y = 0 }
  :: else ->
     handshake(F);
     if :: W == 0 -> break :: else fi
  od;
  busy = 0;
  handshake(ENDED);
  atomic { rsn = rsn & mark[cur] };
  sweep();
  handshake(SETTLE);
  d_step {
    mark[cur] = mark[cur] & (255 - bornlive); bornlive = 0; dlive = false
  }
}

inline sweep() {
  d_step {                                      /* what is not in D */
    reachable();
    assert((R & (ALL - mark[cur])) == 0);                       /* A */
    R = 0;
    if :: !HAS(mark[cur], 2) -> alloced = alloced & (255 - BIT(2)); field[2] = 0 :: else fi;
    mark[1-cur] = mark[1-cur] & (255 - BIT(1) - BIT(2))
  };
  if
  :: atomic { !dlive && (dstate == OFFERED || dstate == RETIRED) -> dstate = TRANSIT };
     d_step {                                   /* TAKEN = MARK */
       if :: !HAS(mark[cur], 3) -> alloced = alloced & (255 - BIT(3)); field[3] = 0 :: else fi;
       if :: at4 != 0 && !HAS(mark[cur], 4) -> alloced = alloced & (255 - BIT(4)); field[4] = 0 :: else fi;
       taken = (HAS(alloced, 3) -> 1 : 0) | ((HAS(alloced, 4) && at4 != 0) -> at4 : 0);
       mark[1-cur] = 0;
       clean = false
     };
     atomic { cursor = 0; dstate = OFFERED }
  :: atomic { dlive || dstate == HELD || dstate == MINE || dstate == TRANSIT ->
       mark[1-cur] = 0 }
  fi
}

proctype collector() {
  byte x, y, R;
  {
    atomic { driver = true; inner = true; major = true };
    cycle();
    atomic { inner = false; driver = false }
  } unless { forked }
}

proctype child_collector() {
  byte x, y, R;

  atomic { !driver -> driver = true; inner = true };
#if MUTANT==8
  major = false;
#else
  major = true;
#endif
#if MUTANT!=7
  mark[1-cur] = 0;
#endif
  busy == 0;
  cycle();
  d_step {
    assert(dstate == OFFERED || dstate == MINE);                /* F */
    assert(count == 1 && listed == 1);
    inner = false; driver = false; over = true
  }
}

/* the child's handler: one step, since nobody else runs */
inline child() {
  d_step {
    assert(count == ((listed & 1) + (listed >> 1)));            /* E */
    forked = true; lock = false;
    listed = 1; count = 1; req[O] = 0; claims[O] = 0; state[O] = RUNNING;
    ph[O] = IDLE; ep[O] = 0; regs[O] = 0; buf[O] = 0; rsl[O] = 0; live[O] = false;     /* F.1 */
#if MUTANT!=3
    claims[S] = 0;
#endif
#if MUTANT!=4
    req[S] = 0;
#endif
#if MUTANT!=5
    driver = false;
#endif
#if MUTANT!=6
    busy = 0;
#endif
#if MUTANT==1
    armedep = ep[S];
#elif MUTANT==14
    armedep = (inner -> armedep + 2 : armedep);
#elif MUTANT!=2
    armedep = armedep + 2;
#endif
    ep[S] = armedep;
#if MUTANT!=13
    ph[S] = IDLE;
#endif
    live[S] = false; armedlive = false; armed = IDLE;
    inner = false;
    W = 0; buf[S] = 0; rsl[S] = 0; rsk = 0; rsn = 0;
    logged = 0; loggedw = 0; bornlive = 0; dlive = false;
    if
    :: dstate == HELD ->
#if MUTANT==9
       dstate = OFFERED
#elif MUTANT==10
       dstate = OFFERED; cursor = bump
#else
       dstate = RETIRED; clean = false
#endif
#if MUTANT!=11
    :: dstate == TRANSIT -> dstate = RETIRED; clean = false
#endif
    :: else
    fi;
    bump = 0;
    if :: !clean -> dirty = 0 :: else fi           /* it will be zeroed: fewer states */
  };
  run child_collector()
}

active proctype survivor() {
  byte o, v, n, R;
  bool rested;

  atomic {
    alloced = BIT(1) | BIT(2); mark[0] = BIT(1);
    listed = 3; count = 2; clean = true; armedep = 2; ep[S] = 2; ep[O] = 2;
    field[1] = 2;
#ifdef INIT
    if :: INIT == 0 :: INIT == 1 -> regs[S] = BIT(2) :: INIT == 2 -> regs[O] = BIT(2) fi;
#else
    if :: skip :: regs[S] = BIT(2) :: regs[O] = BIT(2) fi;
#endif
    run other(); run collector()
  };
  do
  :: atomic { req[S] != 0 -> drop(S); do_poll(S) }
  :: atomic { n < OPSP && NEWS(S) -> n++; load(S) }
  :: atomic { n < OPSP -> n++;
       pick(o, (regs[S] | 2)); pick(v, (regs[S] | 1)); barrier(S, o, v) };
     atomic { field[o] = v; o = 0; v = 0 }
  :: state[S] = BLOCKED;                                /* prepare: waits for the lock */
     atomic {
#if MUTANT!=12
       !lock &&
#endif
       claims[S] == 0 -> lock = true; state[S] = RUNNING; n = 0; break }
  od;
  /* here a collector that saw S BLOCKED may still raise its claim */
  atomic { child() };

  do
  :: atomic { req[S] != 0 -> drop(S); do_poll(S) }
  :: atomic { n < OPSC && NEWS(S) -> n++; load(S) }
  :: atomic { n < OPSC -> n++;
       pick(o, (regs[S] | 2)); pick(v, (regs[S] | 1)); barrier(S, o, v) };
     atomic { field[o] = v; o = 0; v = 0 }
  :: atomic { n < OPSC && at4 == 0 && dstate == OFFERED &&
       (cursor == 0 && !HAS(taken, 0) || !HAS(taken, 1)) -> n++;
       d_step {                                         /* takes D, gives birth to 4 */
         dstate = MINE;
         if :: live[S] -> dlive = true :: else fi;
         v = (cursor == 0 && !HAS(taken, 0) -> 0 : 1);
         if :: !clean -> dirty = dirty & (255 - BIT(v)) :: else fi;
         assert(!HAS(dirty, v));                                /* C */
         reachable();
         assert(v != 0 || !HAS(R, 3));
         if :: v == 0 -> alloced = alloced & (255 - BIT(3)) :: else fi;
         R = 0; at4 = BIT(v); SET(dirty, v);
         SET(alloced, 4); SET(regs[S], 4); lg[4] = ep[S]; SET(logged, 4); field[4] = 0;
         if :: live[S] -> SET(mark[cur], 4); SET(bornlive, 4) :: else fi;
         v = 0 } }
  :: atomic { !rested && n > 0 -> rested = true;
       if :: req[S] != 0 -> drop(S); do_poll(S) :: else fi;
       state[S] = BLOCKED };
     atomic { claims[S] == 0 -> state[S] = RUNNING }
  :: atomic { n == OPSC && rested ->                    /* blocked from now on */
       if :: req[S] != 0 -> drop(S); do_poll(S) :: else fi;
       state[S] = BLOCKED; break }
  od;
  over
}
