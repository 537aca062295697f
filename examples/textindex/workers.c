/*
 * workers.c: the threads of a run.
 *
 * Readers take files in order, read and index them. When no file is left they become editors,
 * which retire random documents and add them again from their files, so that the index loses
 * objects all the time. Queriers ask from the start, each at a fixed rate: a query is due every
 * QUERY_INTERVAL, and its time counts from when it was due, so that a delay of the thread is not
 * left out.
 *
 * A worker's own fields belong to its thread and are read by workers_join after it ended. All
 * else is in struct run.
 */
#include "examples/textindex/workers.h"

#include "examples/textindex/documents.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
  QUERY_INTERVAL = 1000000, /* ns */
  TOP_EVERY = 1000,         /* every which query is for the top words */
  EDITOR_RETIRED = 16       /* documents that an editor keeps retired, at most */
};

struct worker {
  pthread_t thread_id;
  struct run *run;
  lull_thread *thread;
  struct random random;
  struct outcome outcome;
};

struct workers {
  unsigned count;
  struct worker workers[];
};

/* A reader's tools. */
struct reader {
  struct worker *worker;
  struct buffer buffer;
  struct bag bag;
  uint32_t retired[EDITOR_RETIRED]; /* a ring of this editor's, in order of retirement */
  size_t retired_first, retired_count;
};

static bool claim(struct run *run, size_t id, unsigned char state) {
  return atomic_compare_exchange_strong(&run->states[id], &state, STATE_BUSY);
}

/* Reads a file and adds it to the index. The calling thread claimed it. */
static void index_file(struct reader *reader, struct index *index, size_t id) {
  struct worker *worker = reader->worker;
  struct run *run = worker->run;
  lull_thread *thread = worker->thread;
  LULL_ROOTS(thread, index);
  lull_blocked_begin(thread);
  bool read = file_read(&run->files.files[id], &reader->buffer);
  if (read)
    bag_fill(&reader->bag, reader->buffer.bytes, reader->buffer.size);
  lull_blocked_end(thread);
  atomic_fetch_add_explicit(&run->bytes_read, reader->buffer.size, memory_order_relaxed);
  if (read) {
    uint64_t start = clock_ns();
    document_add(thread, index, (uint32_t)id, &reader->bag, &worker->random);
    latency_add(&worker->outcome.adds, clock_ns() - start);
  }
  atomic_store(&run->states[id], read ? STATE_INDEXED : STATE_UNREADABLE);
}

static void index_all(struct reader *reader, struct index *index) {
  struct run *run = reader->worker->run;
  LULL_ROOTS(reader->worker->thread, index);
  size_t id;
  while (!atomic_load(&run->stop) &&
         (id = atomic_fetch_add(&run->next_file, 1)) < run->files.count) {
    if (claim(run, id, STATE_NEW))
      index_file(reader, index, id);
    atomic_fetch_add(&run->finished_files, 1);
  }
}

/* Retires a document, if it is there and nobody else is at it. */
static void retire(struct reader *reader, struct index *index, size_t id) {
  struct worker *worker = reader->worker;
  struct run *run = worker->run;
  if (!claim(run, id, STATE_INDEXED))
    return;
  uint64_t start = clock_ns();
  document_retire(worker->thread, index, (uint32_t)id);
  latency_add(&worker->outcome.retires, clock_ns() - start);
  atomic_store(&run->states[id], STATE_RETIRED);
  atomic_fetch_add_explicit(&run->retired, 1, memory_order_relaxed);
  reader->retired[(reader->retired_first + reader->retired_count++) % EDITOR_RETIRED] =
      (uint32_t)id;
}

/* Adds the document again that this editor retired first. */
static void readd(struct reader *reader, struct index *index) {
  struct run *run = reader->worker->run;
  uint32_t id = reader->retired[reader->retired_first];
  reader->retired_first = (reader->retired_first + 1) % EDITOR_RETIRED;
  reader->retired_count--;
  if (claim(run, id, STATE_RETIRED)) {
    index_file(reader, index, id);
    atomic_fetch_add_explicit(&run->readded, 1, memory_order_relaxed);
  }
}

static void edit(struct reader *reader, struct index *index) {
  struct worker *worker = reader->worker;
  LULL_ROOTS(worker->thread, index);
  size_t files = worker->run->files.count;
  size_t share =
      files / (4 * worker->run->options->threads); /* of a small input most stays indexed */
  size_t most = share < EDITOR_RETIRED ? share + 1 : EDITOR_RETIRED;
  while (!atomic_load(&worker->run->stop)) {
    if (reader->retired_count == most)
      readd(reader, index);
    else
      retire(reader, index, random_below(&worker->random, files));
    lull_poll(worker->thread);
  }
}

static void *run_reader(void *data) {
  struct reader reader = {.worker = data};
  struct worker *worker = data;
  worker->thread = memory_attach();
  {
    struct index *index = lull_handle_get(worker->thread, worker->run->root);
    LULL_ROOTS(worker->thread, index);
    index_all(&reader, index);
    edit(&reader, index);
  }
  memory_detach(worker->thread);
  bag_clear(&reader.bag);
  free(reader.buffer.bytes);
  return NULL;
}

/*
 * Sleeps until the time of clock_ns, as a blocked region: the collector does not wait for
 * sleepers.
 */
static void sleep_until(lull_thread *thread, uint64_t due) {
  struct timespec time = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
  lull_blocked_begin(thread);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
    continue;
  lull_blocked_end(thread);
}

static void ask(struct worker *worker, struct index *index, struct querier *querier,
                uint64_t number, uint64_t due) {
  struct outcome *outcome = &worker->outcome;
  struct latency *latency = &outcome->queries;
  struct top top;
  if (number % TOP_EVERY == 0) {
    latency = &outcome->top_queries;
    outcome->found += query_top(worker->thread, index, querier, &top);
  } else if (number % 2 == 0) {
    outcome->found += query_prefix(worker->thread, index, querier);
  } else {
    outcome->found += query_and(worker->thread, index, querier);
  }
  latency_add(latency, clock_ns() - due);
  atomic_fetch_add_explicit(&worker->run->queries, 1, memory_order_relaxed);
}

static void *run_querier(void *data) {
  struct worker *worker = data;
  struct querier querier;
  querier_open(&querier, worker->run->files.count, worker->random.state);
  worker->thread = memory_attach();
  {
    struct index *index = lull_handle_get(worker->thread, worker->run->root);
    LULL_ROOTS(worker->thread, index);
    uint64_t due = clock_ns();
    for (uint64_t number = 1; !atomic_load(&worker->run->stop); number++) {
      ask(worker, index, &querier, number, due);
      uint64_t now = clock_ns();
      due = due + QUERY_INTERVAL > now ? due + QUERY_INTERVAL : now;
      sleep_until(worker->thread, due);
    }
  }
  memory_detach(worker->thread);
  worker->outcome.wrong = querier.wrong;
  querier_close(&querier);
  return NULL;
}

static void start(struct worker *worker, void *(*body)(void *)) {
  int error = pthread_create(&worker->thread_id, NULL, body, worker);
  if (error != 0) {
    fprintf(stderr, "textindex: cannot start a thread: %s\n", strerror(error));
    exit(3);
  }
}

struct workers *workers_start(struct run *run) {
  unsigned readers = run->options->threads;
  unsigned count = readers + run->options->queriers;
  struct workers *workers =
      allocated(calloc(1, sizeof *workers + count * sizeof *workers->workers));
  workers->count = count;
  for (unsigned i = 0; i < count; i++) {
    struct worker *worker = &workers->workers[i];
    worker->run = run;
    worker->random.state = run->options->seed * 1000003 + i;
    start(worker, i < readers ? run_reader : run_querier);
  }
  return workers;
}

void workers_join(struct workers *workers, struct outcome *outcome) {
  *outcome = (struct outcome){0};
  for (unsigned i = 0; i < workers->count; i++) {
    struct worker *worker = &workers->workers[i];
    pthread_join(worker->thread_id, NULL);
    latency_merge(&outcome->queries, &worker->outcome.queries);
    latency_merge(&outcome->top_queries, &worker->outcome.top_queries);
    latency_merge(&outcome->retires, &worker->outcome.retires);
    latency_merge(&outcome->adds, &worker->outcome.adds);
    outcome->found += worker->outcome.found;
    outcome->wrong += worker->outcome.wrong;
  }
  free(workers);
}
