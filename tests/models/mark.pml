/*
 * mark.pml: termination of marking with several markers: the collector, a
 * helper and a mutator that also assists; packets, overflow, flush rounds.
 *
 * Modelled: packets of one entry, PACKETS of them in all; a private stack of one
 * packet per marker; a grey stack with a count that is raised before a push
 * and lowered after a pop; no look at MARK when an entry is pushed. Who pops an entry looks at
 * MARK, sets it in a later step, and scans: two may scan one object. (A large object, which one marker
 * claims, is a case of this.) When no packet is free, the object gets its MARK bit, then its
 * block a re-scan flag, then `rescans` is raised. The mutator's SATB packet
 * goes to a flushed stack, which only the collector takes from. Helper and assist
 * raise `active`, then look at `tracing`; they give back what they hold before they lower it.
 * The collector quiesces (drains; then reads pops, active, grey count, pops; re-scans
 * when flags are set, with `tracing` lowered and nobody else inside), then arms a flush round, which is clean when nothing was
 * flushed, active and the grey count are 0, no re-scan is due, and the count of
 * newly marked objects did not move. (Counters are kept as "moved since the
 * collector looked".) All these words are sequentially consistent.
 *
 * An object is one MARK bit. That extents must not be filled beside a re-scan, which is why it
 * lets nobody in, cannot be seen here: a re-scan that does passes.
 *
 * Objects: 1 with children 2 and 3, 2 with child 3 (so that two markers can meet at 3), 3 with
 * child 4, 4 with child 5; blocks {1,2}, {3,4}, {5}. At the
 * start 1, a shared root, is in the grey stack, and 3, which the mutator holds,
 * in its SATB packet (from its scan at H3).
 * Bounds: the mutator does OPS operations (load, store of NULL or of what it
 * holds, with the deletion barrier), ASSISTS assists that stop after any
 * entry; then it is blocked. The helper too stops after any entry. PACKETS packets.
 *
 * Assertions: when marking ends, all that is reachable is marked; all that is marked was
 * scanned; nothing is grey; nobody scans after the end, or beside a re-scan.
 *
 * Run:
 *   spin -a [-DOPS=n] [-DASSISTS=n] [-DPACKETS=n] [-DMUTANT=n] mark.pml
 *   gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -m1000000 -w24
 *
 * Mutants; each must fail, except where its note says PASS:
 *  1  the helper is not counted in active: its private stack is hidden
 *  2  the round does not look at the count of newly marked objects (must PASS)
 *  3  the round does not look at whether anything was flushed
 *  4  the end does not wait for active
 *  5  [ASSISTS=1] an assist leaves active but keeps its work beyond the flush round
 *  6  overflow sets no re-scan flag
 *  7  active is lowered before the packets are given back
 *  8  grey count read before active, in quiesce and round; pops not read (must PASS)
 *  9  pops are not counted (must PASS)
 * 10  the round does not look at active (must PASS)
 * 11  no flush round
 * 12  tracing is looked at before active is raised
 * 13  the round does not look at re-scans (must PASS)
 * 14  [PACKETS=2] the re-scan flag is set before the MARK bit
 * 15  the grey count is lowered before the pop
 * 2, 8, 9, 10 and 13 pass because what they leave out is covered twice: work comes
 * into a round only through the flushed stack, and the end waits for active.
 *
 * Expected (spin 6.5.2), no errors (states, depth):
 *   OPS=2 ASSISTS=0 PACKETS=2: 1,497,165, 741   OPS=1 ASSISTS=1: 10,547,337, 1,417
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#ifndef OPS
#define OPS 3
#endif
#ifndef ASSISTS
#define ASSISTS 1
#endif
#ifndef PACKETS
#define PACKETS 3
#endif

#define C 0                     /* collector, helper, mutator */
#define H 1
#define M 2
#define BIT(x) (1 << (x))
#define HAS(s,x) (s & BIT(x))
#define SET(s,x) s = s | BIT(x)
#define BLOCK(x) ((x - 1) / 2)

byte l[6], r[6];                /* fields */
byte mark;
byte free = PACKETS;            /* packets */
byte grey[6], grey_count;       /* the stack: packets by their entry; its count */
byte flushed[6];                /* the flushed stack */
byte pv[3];                     /* private stacks: 0 or the entry of the one packet */
byte buf;                       /* the mutator's SATB packet */
byte regs = 8;                  /* the mutator holds object 3 */
byte busy /* `active` */, rescans, flag;
bool pops, marked;              /* changed since the collector looked first */
bool tracing;
bool req, blocked;
bool ended;

byte scanned;                   /* ghosts */
bool alone;                     /* a re-scan is at work */

/* pushes the packet with entry x to the grey stack */
inline grey_push(x) {
  grey_count++;
  grey[x]++
}

/* object x keeps its mark, its block gets the flag */
inline overflow(x) {
#if MUTANT==6
  SET(mark, x)
#elif MUTANT==14
  if
  :: !HAS(mark, x) ->
     flag = flag | BIT(BLOCK(x));
     rescans++;
     SET(mark, x)
  :: else
  fi
#else
  if
  :: atomic { !HAS(mark, x) -> SET(mark, x) };
     flag = flag | BIT(BLOCK(x));
     rescans++
  :: HAS(mark, x)
  fi
#endif
}

/* pushes y with what it takes beyond one step */
inline push_more(i) {
  if
  :: atomic { y != 0 && pv[i] != 0 && free > 0 -> free--; z = pv[i]; pv[i] = y; y = 0 };
     grey_push(z);
     z = 0
  :: y != 0 && free == 0 -> overflow(y); y = 0
  :: y == 0
  :: atomic { y != 0 && pv[i] == 0 && free > 0 -> free--; pv[i] = y; y = 0 }
  fi
}
inline push_easy(i) {
  if :: y != 0 && pv[i] == 0 && free > 0 -> free--; pv[i] = y; y = 0 :: else fi
}

/* fields of e; the object is marked */
inline scan(i, e) {
  d_step { assert(!ended && (!alone || i == C)); y = l[e]; n = true; push_easy(i) };
  if :: y != 0 -> push_more(i) :: else fi;
  if
  :: r[e] != 0 ->
     d_step { y = r[e]; push_easy(i) };
     if :: y != 0 -> push_more(i) :: else fi
  :: else
  fi
}

/* takes an entry; e = 0 when there is none */
inline pop(i, e) {
  assert(!ended);
  if
  :: atomic { pv[i] != 0 -> e = pv[i]; pv[i] = 0; free++ }
  :: pv[i] == 0 && grey_count == 0                      /* e stays 0 */
  :: atomic { pv[i] == 0 && grey_count != 0 ->
#if MUTANT!=9
       pops = true;
#endif
#if MUTANT==15
       grey_count--;
#endif
     };
     atomic {
       if
       :: grey[1] != 0 -> grey[1]--; e = 1
       :: grey[2] != 0 -> grey[2]--; e = 2
       :: grey[3] != 0 -> grey[3]--; e = 3
       :: grey[4] != 0 -> grey[4]--; e = 4
       :: grey[5] != 0 -> grey[5]--; e = 5
       :: else
       fi };
     if
     :: atomic { e != 0 -> free++;
#if MUTANT!=15
          grey_count--
#endif
        }
     :: e == 0
     fi
  fi
}

/* pops and scans until nothing is found; helper and assist stop when they like */
inline drain(i) {
  do
  :: pop(i, e);
     if
     :: e == 0 -> break
     :: e != 0 && !HAS(mark, e) -> SET(mark, e); scan(i, e);
        atomic { SET(scanned, e); e = 0 }
     :: atomic { e != 0 && HAS(mark, e) -> e = 0 }
     fi
  :: i != C -> break
  od
}

inline give_back(i) {
  if
  :: atomic { pv[i] != 0 -> z = pv[i]; pv[i] = 0 };
     grey_push(z);
     z = 0
  :: pv[i] == 0
  fi
}

inline leave(i) {
#if MUTANT==7
  atomic { marked = marked || n; n = false; busy-- };
  give_back(i)
#elif MUTANT==5
  if :: i != M -> give_back(i) :: else fi;
  atomic { marked = marked || n; n = false };
  busy--
#else
  give_back(i);
  atomic { marked = marked || n; n = false; busy-- }
#endif
}

/* an helper's or assist's turn */
inline help(i) {
#if MUTANT==12
  if
  :: tracing ->
     busy++;
     drain(i);
     leave(i)
  :: else
  fi
#else
#if MUTANT==1
  if :: i != H -> busy++ :: else fi;
#else
  busy++;
#endif
  if
  :: tracing -> drain(i);
#if MUTANT==1
     if :: i != H -> leave(i) :: else -> give_back(i); atomic { marked = marked || n; n = false } fi
#else
     leave(i)
#endif
  :: else ->
#if MUTANT==1
     if :: i != H -> busy-- :: else fi
#else
     busy--
#endif
  fi
#endif
}

active proctype helper() {
  byte e, y, z;
  bool n;
end:
  do
  :: ended -> break
  :: grey_count != 0 && !ended -> help(H)
  od
}

inline pick(x, s) {
  if :: HAS(s, 0) -> x = 0 :: HAS(s, 1) -> x = 1 :: HAS(s, 2) -> x = 2
     :: HAS(s, 3) -> x = 3 :: HAS(s, 4) -> x = 4 :: HAS(s, 5) -> x = 5 fi
}

/* the closure of the flush round */
inline flush() {
  atomic {
    if :: buf != 0 -> flushed[buf]++; buf = 0 :: else fi;
    req = false }
}

active proctype mutator() {
  byte e, y, z, o, v, ops, assists;
  bool n;
  do
  :: ended -> break
  :: req -> flush()
  :: atomic { ops == OPS && assists == ASSISTS && !req -> blocked = true; break }
  :: assists < ASSISTS && tracing -> assists++; help(M)
  :: atomic { ops < OPS -> ops++;                       /* load */
       pick(o, regs);
       y = l[o];
       if :: y != 0 -> SET(regs, y) :: else fi;
       o = 0; y = 0 }
  :: atomic { ops < OPS -> ops++;                       /* store */
       pick(o, regs); pick(v, (regs | 1)) };
     y = l[o];
     if
     :: y == 0 || HAS(mark, y)
     :: y != 0 && !HAS(mark, y) ->                      /* shade */
        if
        :: atomic { buf == 0 && free > 0 -> free--; buf = y }
        :: atomic { buf != 0 && free > 0 -> free--; flushed[buf]++; buf = y }
        :: free == 0 -> overflow(y)
        fi
     fi;
     atomic { l[o] = v; o = 0; v = 0; y = 0 }
  od
}

inline quiet(q) {
  q = true;
#if MUTANT==8
  if :: grey_count != 0 -> q = false :: else fi;
  if :: busy != 0 -> q = false :: else fi
#else
  pops = false;
  if :: busy != 0 -> q = false :: else fi;
  if :: grey_count != 0 -> q = false :: else fi;
  if :: pops -> q = false :: else fi
#endif
}

inline rescan_object(x) {
  if :: HAS(k, x) -> scan(C, x); SET(scanned, x) :: else fi
}

/* the collector alone is at work */
inline rescan() {
  if
  :: atomic { rescans != 0 -> rescans = 0 };
     atomic { k = flag & 1; flag = flag & 6 };
     if :: k != 0 -> k = mark; rescan_object(1); rescan_object(2); drain(C) :: else fi;
     atomic { k = flag & 2; flag = flag & 5 };
     if :: k != 0 -> k = mark; rescan_object(3); rescan_object(4); drain(C) :: else fi;
     atomic { k = flag & 4; flag = flag & 3 };
     if :: k != 0 -> k = mark; rescan_object(5); drain(C) :: else fi;
     k = 0
  :: rescans == 0
  fi
}

inline quiesce() {
  do
  :: busy++; drain(C); leave(C);
     quiet(q);
     if
     :: q && rescans != 0 ->
        tracing = false;                                /* lets nobody in */
        busy == 0;
        busy++;
        alone = true; rescan(); alone = false;
        leave(C);
        tracing = true
     :: else
     fi;
     quiet(q);
     if :: q && rescans == 0 -> break :: else fi
  od
}

active proctype collector() {
  byte e, y, z, k;
  bool n, q, f;

  atomic { l[1] = 2; r[1] = 3; l[2] = 3; l[3] = 4; l[4] = 5; tracing = true;
    free = free - 2; grey[1] = 1; grey_count = 1; buf = 3 };
  do
  :: quiesce();
#if MUTANT==11
     break;
#endif
     atomic { marked = false; req = true; if :: blocked -> flush() :: else fi };
     !req;
     f = true;
     z = 1;
     do
     :: atomic { z <= 5 && flushed[z] != 0 ->            /* take what was flushed */
          flushed[z]--; grey_count++; grey[z]++;
#if MUTANT!=3
          f = false
#endif
        }
     :: atomic { z <= 5 && flushed[z] == 0 -> z++ }
     :: atomic { z > 5 -> z = 0; break }
     od;
#if MUTANT==8
     if :: grey_count != 0 -> f = false :: else fi;
     if :: busy != 0 -> f = false :: else fi;
#else
#if MUTANT!=10
     if :: busy != 0 -> f = false :: else fi;
#endif
     if :: grey_count != 0 -> f = false :: else fi;
#endif
#if MUTANT!=13
     if :: rescans != 0 -> f = false :: else fi;
#endif
#if MUTANT!=2
     if :: marked -> f = false :: else fi;
#endif
     if :: f -> break :: else fi
  od;
  tracing = false;
#if MUTANT!=4
  busy == 0;
#endif
  d_step {
    ended = true;
    k = (regs | 2) & 62; z = 0;
    do
    :: z < 4 -> y = 1;
       do
       :: y <= 5 -> if :: HAS(k, y) -> k = (k | BIT(l[y]) | BIT(r[y])) & 62 :: else fi; y++
       :: else -> break
       od;
       z++
    :: else -> break
    od;
    assert((k & (255 - mark)) == 0);
    assert(mark == scanned);
    assert(grey_count == 0 && pv[C] == 0 && pv[H] == 0 && pv[M] == 0)
  }
}
