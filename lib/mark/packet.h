/*
 * mark/packet.h: packets of object references, and the stacks they wait in.
 *
 * Memory for packets is reserved when the heap is made and committed as it is used; the store
 * barrier never allocates anything else. A packet is owned by one thread, or waits in exactly one
 * stack:
 *   free     ConcurrencyKit's stack, popped one by one with a generation count (no ABA)
 *   grey     the same; what markers, helpers and assists take work from
 *   flushed  liburcu's wfstack: pushed by threads without waiting, popped by who drives
 */
#ifndef LU_MARK_PACKET_H
#define LU_MARK_PACKET_H

#include <ck_stack.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <urcu/wfstack.h>
#include <lull/base.h>

#define LU_PACKET_BYTES ((size_t)4096)

struct lu_packet {
  struct ck_stack_entry link;
  struct cds_wfs_node flushed_link;
  uint32_t count;
  uintptr_t entry[];   /* object, or tagged: bit 0 = a piece of a large object still to scan, bit 1
                          = a card (remembered sets) */
};
#define LU_PACKET_ENTRIES \
  ((uint32_t)((LU_PACKET_BYTES - offsetof(struct lu_packet, entry)) / sizeof(uintptr_t)))

#define LU_ENTRY_PIECE ((uintptr_t)1)
#define LU_ENTRY_CARD ((uintptr_t)2)
#define LU_ENTRY_TAGS ((uintptr_t)7)

struct lu_packets {
  char *memory;
  size_t capacity;                    /* packets reserved */
  _Atomic size_t carved;              /* packets ever taken from `memory` (fetch_add by whoever
                                         finds `free` empty) */
  ck_stack_t free __attribute__((aligned(16)));
  ck_stack_t grey __attribute__((aligned(16)));
  /* Packets in `grey`: raised before a push and lowered after a pop, so never below what the stack
   * holds; 0 means that it is empty and no push is under way. seq_cst; pairs with active and pops
   * in lu_mark_quiesce. */
  _Atomic size_t grey_count;
  uint32_t entries;                   /* how many entries a packet takes: LU_PACKET_ENTRIES, or
                                         stress.packet */
};

lull_status lu_packets_init(struct lu_packets *packets, size_t bytes, uint32_t entries);
void lu_packets_fini(struct lu_packets *packets);

/* An empty packet, or NULL when all are in use. Any thread, lock-free. */
struct lu_packet *lu_packet_new(struct lu_packets *packets);
void lu_packet_drop(struct lu_packets *packets, struct lu_packet *packet);
void lu_grey_push(struct lu_packets *packets, struct lu_packet *packet);
struct lu_packet *lu_grey_pop(struct lu_packets *packets);

#endif
