/*
 * mark/packet.c: packets and the stacks of free and grey ones.
 *
 * Invariants: a packet is owned by one thread or waits in one stack. Its count and entries are
 * plain: the stack that hands it from one owner to the next orders them.
 *
 * Any thread calls all of this but init and fini. lu_packet_new and lu_grey_pop use
 * ConcurrencyKit's pop with a generation count next to the head, because packets are reused: a pop
 * by compare-and-swap on the head alone would take a packet that left and came back (ABA).
 *
 * Ordering: ck_stack_push_mpmc fences before it publishes the head, ck_stack_pop_mpmc fences after
 * it read it; packet contents travel on that. ThreadSanitizer does not see it (inline assembly),
 * hence the annotations. grey_count is seq_cst for the end of marking (mark/quiesce.c).
 */
#include "mark/packet.h"

#include <string.h>
#include "support/assert.h"
#include "support/fault.h"
#include "support/memory.h"
#include "support/tool.h"

CK_STACK_CONTAINER(struct lu_packet, link, packet_of)

lull_status lu_packets_init(struct lu_packets *packets, size_t bytes, uint32_t entries) {
  memset(packets, 0, sizeof *packets);
  packets->capacity = bytes / LU_PACKET_BYTES;
  packets->entries = entries;
  LU_ASSERT(entries >= 1 && entries <= LU_PACKET_ENTRIES);
  packets->memory = lu_reserve(packets->capacity * LU_PACKET_BYTES, LU_PACKET_BYTES);
  if (packets->memory == NULL)
    return LULL_E_MEMORY;
  ck_stack_init(&packets->free);
  ck_stack_init(&packets->grey);
  return LULL_OK;
}

void lu_packets_fini(struct lu_packets *packets) {
  if (packets->memory != NULL)
    lu_unreserve(packets->memory, packets->capacity * LU_PACKET_BYTES);
  packets->memory = NULL;
}

/* Takes a packet never used before; NULL when the reserve is used up. */
static struct lu_packet *carve(struct lu_packets *packets) {
  if (atomic_load_explicit(&packets->carved, memory_order_relaxed) >= packets->capacity)
    return NULL;
  size_t index = atomic_fetch_add_explicit(&packets->carved, 1, memory_order_relaxed);
  if (index >= packets->capacity) {
    atomic_fetch_sub_explicit(&packets->carved, 1, memory_order_relaxed);
    return NULL;
  }
  return (struct lu_packet *)(void *)(packets->memory + index * LU_PACKET_BYTES);
}

struct lu_packet *lu_packet_new(struct lu_packets *packets) {
  if (lu_fault(LU_FAULT_PACKET))
    return NULL;
  struct ck_stack_entry *entry = ck_stack_pop_mpmc(&packets->free);
  struct lu_packet *packet = entry != NULL ? packet_of(entry) : carve(packets);
  if (packet != NULL) {
    LU_TSAN_ACQUIRE(packet);
    packet->count = 0;
  }
  return packet;
}

void lu_packet_drop(struct lu_packets *packets, struct lu_packet *packet) {
  LU_TSAN_RELEASE(packet);
  ck_stack_push_mpmc(&packets->free, &packet->link);
}

void lu_grey_push(struct lu_packets *packets, struct lu_packet *packet) {
  LU_ASSERT(packet->count > 0 && packet->count <= packets->entries);
  atomic_fetch_add(&packets->grey_count, 1);
  LU_TSAN_RELEASE(packet);
  ck_stack_push_mpmc(&packets->grey, &packet->link);
}

struct lu_packet *lu_grey_pop(struct lu_packets *packets) {
  struct ck_stack_entry *entry = ck_stack_pop_mpmc(&packets->grey);
  if (entry == NULL)
    return NULL;
  struct lu_packet *packet = packet_of(entry);
  LU_TSAN_ACQUIRE(packet);
  size_t before = atomic_fetch_sub(&packets->grey_count, 1);
  LU_ASSERT(before > 0);
  (void)before;
  return packet;
}
