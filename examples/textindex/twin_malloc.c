/*
 * twin_malloc.c: the index on malloc, with memory freed by hand as soon as no thread can hold it
 * (epoch-based reclamation with ConcurrencyKit's ck_epoch).
 *
 * memory_enter and memory_leave make an operation an epoch section. memory_retire puts an object
 * that was unlinked, or never published, into the calling thread's batch; a full batch waits for
 * its grace period and is then freed by the same thread. A lull_thread belongs to one thread at a
 * time; when its thread ends it goes to a list for the next one, since ck_epoch keeps its records
 * for ever.
 */
#include "examples/textindex/memory.h"

#include <ck_epoch.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

const char memory_name[] = "malloc";

enum { BATCH = 254 };

struct batch {
  ck_epoch_entry_t entry; /* must stay first: free_batch */
  unsigned count;
  void *objects[BATCH];
};

struct lull_thread {
  ck_epoch_record_t record; /* must stay first: memory_attach */
  struct batch *batch;
  bool waiting;             /* batches may be waiting in the record */
  uint64_t allocated;       /* written by its thread, read by memory_sample of any: relaxed */
  uint64_t retired;         /* same */
  struct lull_thread *next; /* all there ever were; immutable once listed */
};

static ck_epoch_t epochs;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* guards `threads` */
static struct lull_thread *threads;

static void free_batch(ck_epoch_entry_t *entry) {
  struct batch *batch = (struct batch *)entry;
  for (unsigned i = 0; i < batch->count; i++)
    free(batch->objects[i]);
  free(batch);
}

static void count_up(uint64_t *counter, uint64_t n) {
  __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void *allocate(lull_thread *thread, size_t size) {
  count_up(&thread->allocated, size);
  return calloc(1, size);
}

void *lull_new(lull_thread *thread, lull_type type) {
  return allocate(thread, twin_types[type].size);
}

void *lull_new_array(lull_thread *thread, lull_type type, size_t length) {
  size_t *array = allocate(thread, twin_types[type].size + length * twin_types[type].element_size);
  if (array != NULL)
    *array = length;
  return array;
}

/* Hands the batch over to wait for its grace period. */
static void flush_batch(lull_thread *thread) {
  if (thread->batch != NULL)
    ck_epoch_call(&thread->record, &thread->batch->entry, free_batch);
  thread->batch = NULL;
  thread->waiting = true;
}

void memory_retire(lull_thread *thread, void *object) {
  if (object == NULL)
    return;
  if (thread->batch == NULL) {
    thread->batch = allocated(malloc(sizeof *thread->batch));
    thread->batch->count = 0;
  }
  thread->batch->objects[thread->batch->count++] = object;
  count_up(&thread->retired, 1);
  if (thread->batch->count == BATCH)
    flush_batch(thread);
}

void memory_enter(lull_thread *thread) {
  ck_epoch_begin(&thread->record, NULL);
}

/* Outside its section a thread also frees those of its batches that have waited long enough. */
void memory_leave(lull_thread *thread) {
  ck_epoch_end(&thread->record, NULL);
  if (thread->waiting) {
    ck_epoch_poll(&thread->record);
    thread->waiting = thread->record.n_pending != 0;
  }
}

bool memory_open(const char *limit) {
  if (limit != NULL)
    fprintf(stderr, "textindex-malloc: malloc has no limit, --heap is ignored\n");
  twin_define_types();
  ck_epoch_init(&epochs);
  return true;
}

bool memory_close(void) {
  return true;
}

lull_thread *memory_attach(void) {
  lull_thread *thread = (lull_thread *)ck_epoch_recycle(&epochs, NULL);
  if (thread != NULL)
    return thread;
  thread = allocated(aligned_alloc(_Alignof(lull_thread), sizeof *thread));
  memset(thread, 0, sizeof *thread);
  ck_epoch_register(&epochs, &thread->record, NULL);
  pthread_mutex_lock(&list_lock);
  thread->next = threads;
  threads = thread;
  pthread_mutex_unlock(&list_lock);
  return thread;
}

void memory_detach(lull_thread *thread) {
  memory_settle(thread);
  ck_epoch_unregister(&thread->record);
}

bool memory_settle(lull_thread *thread) {
  flush_batch(thread);
  ck_epoch_barrier(&thread->record);
  return true;
}

void memory_exhausted(void) {
  fprintf(stderr, "textindex-malloc: no memory\n");
  exit(3);
}

static uint64_t retired(uint64_t *allocated_bytes) {
  uint64_t objects = 0;
  *allocated_bytes = 0;
  pthread_mutex_lock(&list_lock);
  for (lull_thread *thread = threads; thread != NULL; thread = thread->next) {
    *allocated_bytes += __atomic_load_n(&thread->allocated, __ATOMIC_RELAXED);
    objects += __atomic_load_n(&thread->retired, __ATOMIC_RELAXED);
  }
  pthread_mutex_unlock(&list_lock);
  return objects;
}

void memory_sample(struct memory_sample *sample) {
  struct mallinfo2 info = mallinfo2();
  *sample = (struct memory_sample){.used = info.uordblks + info.hblkhd};
  retired(&sample->allocated);
}

void memory_report(FILE *out) {
  uint64_t bytes;
  fprintf(out, "  %-28s %" PRIu64 "\n", "objects freed by epochs", retired(&bytes));
}

void memory_figures(FILE *out) {
  uint64_t bytes;
  fprintf(out, " freed_objects=%" PRIu64, retired(&bytes));
}
