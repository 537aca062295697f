/*
 * tests/victim.h: an object that has to live through a cycle, what puppets do with it, and the
 * scene of majors.
 *
 * The victim is what a cycle would lose if a rule of the protocol were missing; it is scribbled
 * over when it is taken for dead. The scene of majors: the victim is old, a's root[0], and lies in
 * no block that anybody allocates in; `shared` is old and held by `handle`; a and b are attached.
 * The scene of minors is in test_interleavings_minor.c.
 */
#ifndef LULL_TESTS_VICTIM_H
#define LULL_TESTS_VICTIM_H

#include "tests/puppets.h"

#define MAGIC UINT64_C(0x600dce11600dce11)   /* the victim's value; its tail's is one more */
#define ITEMS 3000                           /* of `shared`, if it is to be large: 24 KB */
#define SMALL 100

extern struct cell *victim, *tail;   /* the tail hangs from the victim */
extern struct vector *shared;        /* an old object that both puppets store into */
extern size_t length;                /* of `shared`; SMALL unless a test sets it before its scene */

/*
 * Acts on slots of `shared`: the last one, which is in another card than the first one if it is
 * large.
 */
void forget(struct puppet *puppet);             /* root[0] */
void put_into_shared(struct puppet *puppet);    /* root[0] */
void put_and_forget(struct puppet *puppet);
void take_from_shared(struct puppet *puppet);   /* by an exchange, into root[0]: it is the victim */
void load_and_clear(struct puppet *puppet);     /* the same by a load and a store */
void store_elsewhere(struct puppet *puppet);    /* the first slot */
/* The two halves of put_and_forget: the barrier, and the store itself. */
void barrier_only(struct puppet *puppet);
void store_now(struct puppet *puppet);

/* Makes a victim with its tail: the puppet's root[0]. root[2] is used. */
void bear_victim(struct puppet *puppet);
/* Fails unless victim and tail are what they were. */
void check_victim(void);
/* Ends both puppets and the heap. */
void tear_down(void);

/* The scene of majors. */
#define OPTIONS_OF_MAJORS "heap.max=64M,gc.every=1G,gc.helpers=0,stress.scribble=true,verify=cycle"
extern lull_handle *handle, *spare_handle;   /* spare_handle holds nothing */
void set_up_major_with(const char *options);
void set_up_major(void);
/* What one thread alone does in a scene of its own, from set-up to end. */
void alone(void (*act)(struct puppet *puppet));
/* Asks for a major and leads both puppets, step by step, to a phase up to BUMPED. */
void begin_until(enum lu_phase phase);
/* The same to BUMPED; then b has been scanned and a has not. */
void begin_and_scan_b(void);
/* The cycle goes on to its end, and the victim has lived through it. */
void outlive_major(void);

#endif
