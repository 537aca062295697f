/*
 * blocks.pml: the bookkeeping of blocks and bitmaps: claim masks, TAKEN and the
 * two copies of MARK, the handed-out rule, born-live parts, sweep and the
 * clearing pass, blocks of threads that leave; several cycles, major and minor.
 *
 * Modelled: blocks of S places, an object a place. TAKEN and both copies of MARK
 * are bit sets over all places. A block is FREE or POOLED (offered: its bit is
 * set in the claim mask), ORPHAN (offered, with the cursor of a thread that
 * left), HELD, RETIRED (used up, unsorted) or FULL. Who clears a mask bit owns the block.
 * The holder allocates in the zero bits of TAKEN from its cursor up. At its
 * own H2, and when it takes a block from then until it acknowledges SETTLE, a
 * thread makes the rest of its block live: live_from = cursor, live_cycle =
 * this cycle, MARK |= ~TAKEN from there. Taking a block is several steps, with
 * no poll between. The collector switches MARK between H1 and H2 of a major,
 * sweeps block by block after IDLE, then SETTLE, then clears live parts.
 * Blocks that a thread has taken since their last sweep are young (a mask); a minor
 * visits these only, in its sweep and in its clearing pass. The sweep clears the bit
 * when TAKEN is made, while it owns the block. What a minor finds may be unpromoted (all or
 * nothing of it): those MARK bits are cleared after SETTLE, and the blocks are young again.
 * Marking is short: objects have no fields, threads hold them in registers,
 * and hand them over, shaded, when they leave. The memory is sequentially consistent.
 *
 * Bounds: 2 blocks of S places (default 2), CYCLES cycles (2), each a major or a
 * minor (with -DKINDS=1 majors only, with -DKINDS=0 minors); 2 threads with OPS0 and OPS1 allocations or early
 * retirements over all cycles; then a thread is blocked. Thread 0 may leave at
 * any time. Registers are dropped at scans only. At the start block 0 has an old object that thread 1 holds, at
 * its first or its last place, and block 1 is empty.
 *
 * Assertions:
 *  A  no object is put where an object is that no sweep has freed;
 *  B  no sweep frees an object that a thread holds;
 *  C  from the end of marking to the end of sweep all that threads hold is marked;
 *  D  after the clearing pass MARK holds no birth of this cycle and no free place;
 *  E  the spare MARK is clear when a major switches to it;
 *  F  TAKEN of a HELD block does not change; a block has one owner;
 *  G  in a block that is not young all that is TAKEN is marked, and there is no other object.
 *
 * Run:
 *   spin -a [-DOPS0=n -DOPS1=n] [-DS=n] [-DCYCLES=n] [-DKINDS=0|1] [-DMUTANT=n] blocks.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  sweep takes blocks that are HELD
 *  2  sweep takes blocks whose live_cycle is this cycle
 *  3  no SETTLE handshake (threads read the shared births_live instead)
 *  4  live part not marked at H2
 *  5  live part not marked when a block is taken after H2
 *  6  clearing pass before the sweep
 *  7  MARK switched after H2
 *  8  an orphan with live_cycle of this cycle adopted by a thread before its H2
 *     (must PASS: this bookkeeping allows it. The rule stays, because such an object, born
 *     before H2 in memory that is marked, is never scanned, and the model has no fields)
 *  9  a leaving thread drops its cursor
 * 10  an adopter moves live_from of an orphan that is live already
 * 11  the old MARK copy is cleared in swept blocks only
 * 12  the next cycle starts before the clearing pass
 * 13  sweep does not clear the mask bit of an offered block
 * 14  the spare MARK is not cleared at all
 * 15  births_live ends before the sweep
 * 16  a thread leaves its block RETIRED, not ORPHAN (must PASS: sound; the room
 *     waits for the next sweep)
 * 17  [KINDS=0] the sweep clears the young bit of an offered block before it claims it
 * 18  [KINDS=0] the sweep clears it after it has offered the block
 * 19  [KINDS=0] a block becomes young with its first allocation, not when it is taken
 * 20  [KINDS=0] blocks of unpromoted survivors do not become young again
 * 21  [KINDS=0] the sweep clears the bit of blocks that it skips
 * 22  [KINDS=0] blocks of unpromoted survivors become young before the sweep
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   KINDS=0   1,1: 2,497,363, 233   1,2: 8,343,666, 249
 *   KINDS=1   1,1: 2,434,757, 232   1,2: 7,272,896, 246   2,1: 12,768,248, 247
 *             1,1 with S=3: 2,343,520, 226   1,2 with S=3: 7,711,740, 237
 *             1,1 with CYCLES=3: 4,948,137, 323
 *   KINDS=2   1,1: 8,861,322, 233
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 2
#endif
#ifndef S
#define S 2
#endif
#ifndef CYCLES
#define CYCLES 2
#endif
#ifndef KINDS
#define KINDS 2
#endif
#define OPS(m) (m == 0 -> OPS0 : OPS1)

#define NB 2
#define NONE 9

#define FREE 0
#define POOLED 1
#define ORPHAN 2
#define HELD 3
#define RETIRED 4
#define FULL 5

#define IDLE 0                  /* what a thread last acknowledged */
#define WIN1 1
#define WIN2 2
#define TRACE 3

#define RQ_H1 1
#define RQ_H2 2
#define RQ_H3 3
#define RQ_IDLE 4
#define RQ_SETTLE 5

#define BIT(x) (1 << (x))
#define HAS(s,x) (s & BIT(x))
#define CLEAR(s,x) s = s & (255 - BIT(x))
#define ONES ((1 << S) - 1)
#define BLOCK(b) (ONES << ((b) * S))                        /* all places of b */
#define FROM(b,c) (BLOCK(b) & (255 - ((1 << ((b)*S + c)) - 1)))  /* from place c up */

byte mask;                      /* claim mask: a bit a block */
byte young = 1;                 /* a bit a block: taken since its last sweep; block 0 has been in use */
byte found, listed;             /* objects that this cycle marked; those of them that stay unpromoted */
byte st[NB], cursor[NB], live_from[NB], live_cycle[NB];
byte taken;
byte mark[2], cur;              /* two copies; the current one */
byte cyc;                       /* number of the cycle that runs, or ran last */
bool births_live;               /* read by mutant 3 only */

byte regs[2], ph[2], req[2];
byte hb[2] = NONE;              /* the block that a thread holds */
byte h2c[2];                    /* the cycle of its last H2 */
bool lb[2];                     /* blocks that it takes are live */
bool blocked[2], left[2];
byte buf;                       /* shaded, not yet marked */
bool over;

/* ghosts */
byte obj;                       /* places that hold an object, dead or not */
byte born;                      /* births past H2 in this cycle */
byte seen[NB];                  /* TAKEN of a HELD block */

inline make_live(m, b) {
  mark[cur] = mark[cur] | (FROM(b, cursor[b]) & (255 - taken));
#if MUTANT==10
  live_from[b] = cursor[b]; live_cycle[b] = h2c[m]
#else
  if
  :: live_cycle[b] != h2c[m] -> live_from[b] = cursor[b]; live_cycle[b] = h2c[m]
  :: else
  fi
#endif
}

inline drop(m) {
  if
  :: skip
  :: req[m] == RQ_H3 -> regs[m] = 0
  fi
}

inline do_poll(m) {
 d_step {
  if
  :: req[m] == RQ_H1 -> ph[m] = WIN1
  :: req[m] == RQ_H2 -> ph[m] = WIN2; h2c[m] = cyc; lb[m] = true;
#if MUTANT!=4
     if :: hb[m] != NONE -> make_live(m, hb[m]) :: else fi
#endif
  :: req[m] == RQ_H3 -> found = found | (regs[m] & (255 - mark[cur]));
     mark[cur] = mark[cur] | regs[m]; ph[m] = TRACE
  :: req[m] == RQ_IDLE -> ph[m] = IDLE
  :: req[m] == RQ_SETTLE -> lb[m] = false
  fi;
  req[m] = 0
 }
}

#if MUTANT==8
#define ADOPTABLE(m,b) true
#else
#define ADOPTABLE(m,b) (st[b] != ORPHAN || live_cycle[b] != cyc || h2c[m] == cyc)
#endif
#define OFFERED(m,b) (HAS(mask, b) && ADOPTABLE(m, b))

inline retire(m, b) {
  st[b] = RETIRED; hb[m] = NONE; cursor[b] = 0; seen[b] = 0
}

proctype mutator(byte m) {
  byte b, n, i;
  bool l;

  do
  :: atomic { n == OPS(m) || left[m] ->
       if :: req[m] != 0 -> drop(m); do_poll(m) :: else fi;
       blocked[m] = true; break }
  :: over -> break
  :: atomic { req[m] != 0 -> drop(m); do_poll(m) }

  :: atomic { n < OPS(m) && hb[m] == NONE && (OFFERED(m, 0) || OFFERED(m, 1)) ->
       if :: OFFERED(m, 0) -> b = 0 :: OFFERED(m, 1) -> b = 1 fi;
       mask = mask & (255 - BIT(b));                /* the claim */
       assert(st[b] != HELD) };                     /* F */
     atomic {
       st[b] = HELD; hb[m] = b; seen[b] = taken & BLOCK(b);
#if MUTANT!=19
       young = young | BIT(b);
#endif
#if MUTANT==3
       l = births_live && h2c[m] == cyc
#else
       l = lb[m]
#endif
     };
     atomic {
#if MUTANT!=5
       if :: l -> make_live(m, b) :: else fi;
#endif
       b = 0; l = 0 }

  :: atomic { n < OPS(m) && hb[m] != NONE -> b = hb[m];
       assert((taken & BLOCK(b)) == seen[b]);       /* F */
       i = cursor[b];
       do
       :: i < S && HAS(taken, b*S + i) -> i++
       :: else -> break
       od;
       if
       :: i < S -> n++;                             /* allocate */
#if MUTANT==19
          young = young | BIT(b);
#endif
          cursor[b] = i + 1; i = b*S + i;
          assert(!HAS(obj, i));                     /* A */
          obj = obj | BIT(i); regs[m] = regs[m] | BIT(i);
          if :: h2c[m] == cyc -> born = born | BIT(i) :: else fi
       :: i < S -> n++; retire(m, b)                /* the hole is too small */
       :: i == S -> retire(m, b)
       fi;
       b = 0; i = 0 }

  :: atomic { m == 0 && !left[0] && req[0] == 0 ->  /* leave */
       regs[1] = regs[1] | regs[0];
       if :: ph[0] != IDLE -> buf = buf | regs[0] :: else fi;
       regs[0] = 0; left[0] = true };
     if
     :: hb[0] != NONE ->
#if MUTANT==16
        atomic { b = hb[0]; retire(0, b); b = 0 }
#else
        atomic { b = hb[0]; hb[0] = NONE; st[b] = ORPHAN; seen[b] = 0;
#if MUTANT==9
          cursor[b] = 0;
#endif
        };
        atomic { mask = mask | BIT(b); b = 0 }
#endif
     :: else
     fi
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

#define REACH (regs[0] | regs[1])
#define MARKED(s) ((s & (255 - mark[cur])) == 0)

inline clear_live() {
  x = 0;
  do
  :: x < NB ->
     d_step {
       if
       :: live_cycle[x] == cyc && (major || HAS(young, x)) ->
          mark[cur] = mark[cur] & (255 - (FROM(x, live_from[x]) & (255 - taken)))
       :: else
       fi;
       x++ }
  :: else -> break
  od;
  x = 0
}

inline sweep() {
  x = 0;
  do
  :: x < NB ->
#if MUTANT==17
     atomic {
       visit = major || HAS(young, x);
       own = visit && HAS(mask, x) && live_cycle[x] != cyc };
     atomic { if :: own -> CLEAR(young, x) :: else fi };
#define VISIT visit
#else
#define VISIT (major || HAS(young, x))
#endif
     d_step {                                       /* own the block, or skip it */
       own = false;
       if
       :: !VISIT
       :: VISIT && (st[x] == RETIRED || st[x] == FULL) -> own = true
#if MUTANT==1
       :: VISIT && st[x] == HELD -> own = true
#endif
#if MUTANT==13
       :: VISIT && (st[x] == FREE || st[x] == POOLED || st[x] == ORPHAN) && HAS(mask, x) -> own = true
#else
       :: VISIT && (st[x] == FREE || st[x] == POOLED || st[x] == ORPHAN) && HAS(mask, x) ->
          mask = mask & (255 - BIT(x)); own = true; off = true
#endif
       :: else
       fi };
#if MUTANT==21
     atomic { if :: VISIT && (!own || live_cycle[x] == cyc) -> CLEAR(young, x) :: else fi };
#endif
     if
#if MUTANT!=2
     :: own && live_cycle[x] == cyc ->
        atomic { if :: off -> mask = mask | BIT(x) :: else fi }
#endif
     :: own && (MUTANT==2 || live_cycle[x] != cyc) ->
        d_step {
          y = BLOCK(x) & (255 - mark[cur]);         /* the free places */
          assert((obj & y & REACH) == 0);           /* B */
          obj = obj & (255 - y);
          taken = (taken | BLOCK(x)) & (255 - y);
#if MUTANT==11
          if :: major -> mark[1-cur] = mark[1-cur] & (255 - BLOCK(x)) :: else fi;
#endif
#if MUTANT!=18
          CLEAR(young, x);
#endif
          if
          :: y == BLOCK(x) -> st[x] = FREE
          :: y == 0 -> st[x] = FULL
          :: else -> st[x] = POOLED
          fi };
        atomic { if :: y != 0 -> mask = mask | BIT(x) :: else fi; y = 0 };
#if MUTANT==18
        CLEAR(young, x)
#endif
     :: !own
     fi;
     atomic { own = false; off = false; x++ }
  :: else -> break
  od;
  x = 0
}

/* MARK bits of unpromoted survivors, block by block */
inline clear_listed() {
#if MUTANT!=20 && MUTANT!=22
  if :: (listed & BLOCK(0)) != 0 -> young = young | 1 :: else fi;
  if :: (listed & BLOCK(1)) != 0 -> young = young | 2 :: else fi;
#endif
  mark[cur] = mark[cur] & (255 - listed); listed = 0
}

#define OLD_PLACES ((HAS(young, 0) -> 0 : BLOCK(0)) | (HAS(young, 1) -> 0 : BLOCK(1)))

active proctype collector() {
  byte x, y;
  bool own, off, major;
#if MUTANT==17
  bool visit;
#endif

  atomic {
    if :: obj = BIT(0) :: obj = BIT(S-1) fi;
    taken = obj; mark[0] = obj; regs[1] = obj;
    st[0] = POOLED; st[1] = FREE; mask = 3;
    run mutator(0); run mutator(1)
  };
  do
  :: cyc < CYCLES ->
     atomic {
       cyc++; born = 0;
       if
#if KINDS>0
       :: major = true
#endif
#if KINDS!=1
       :: major = false
#endif
       fi };
     handshake(RQ_H1);
#if MUTANT!=7
     atomic { if :: major -> assert(mark[1-cur] == 0); cur = 1 - cur :: else fi };  /* E */
#endif
     births_live = true;
     handshake(RQ_H2);
#if MUTANT==7
     atomic { if :: major -> cur = 1 - cur :: else fi };
#endif
     handshake(RQ_H3);
#if MUTANT==12
     atomic { cyc--; if :: cyc > 0 -> clear_live() :: else fi; cyc++ };
#endif
     atomic {
       found = found | (buf & (255 - mark[cur])); mark[cur] = mark[cur] | buf; buf = 0;
       if
       :: !major && found != 0 -> listed = found;
#if MUTANT==22
          if :: (listed & BLOCK(0)) != 0 -> young = young | 1 :: else fi;
          if :: (listed & BLOCK(1)) != 0 -> young = young | 2 :: else fi
#endif
       :: skip
       fi;
       found = 0 };
#if MUTANT==15
     births_live = false;
     handshake(RQ_SETTLE);
#endif
     handshake(RQ_IDLE);
#if MUTANT==6
     clear_live();
#endif
     assert(MARKED(REACH));                         /* C */
     sweep();
#if MUTANT!=6
     assert(MARKED(REACH));                         /* C */
#endif
#if MUTANT!=11 && MUTANT!=14
     atomic { if :: major -> mark[1-cur] = 0 :: else fi };
#endif
#if MUTANT!=15
     births_live = false;
#if MUTANT!=3
     handshake(RQ_SETTLE);
#endif
#endif
#if MUTANT!=12
#if MUTANT!=6
     clear_live();
#endif
     atomic {
       clear_listed();
       assert((mark[cur] & (born | (255 - obj))) == 0);     /* D */
       assert(((taken | obj) & OLD_PLACES & (255 - mark[cur])) == 0) }      /* G */
#endif
  :: else -> break
  od;
  over = true
}
