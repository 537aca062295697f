/*
 * Object graphs. A graph is written in the order of its objects: each one's references, then
 * end_object.
 */
#include "stress/marking/graph.h"

#include <stdlib.h>

#include "stress/common/check.h"
#include "stress/common/random.h"

#define ROOTS 64
#define CHAIN 3
#define RECORD 16 /* a cell and its tree */

const char *const shape_names[SHAPES] = {"random graph",    "binary tree",     "table of chains",
                                         "array of leaves", "list of records", "64 lists",
                                         "one list"};

struct writer {
  struct graph graph;
  uint32_t edges;
};

static void refer(struct writer *writer, uint32_t to) {
  if (to < writer->graph.count)
    writer->graph.to[writer->edges++] = to;
}

static void end_object(struct writer *writer, uint32_t object) {
  writer->graph.first[object + 1] = writer->edges;
}

static void write_random(struct writer *writer, uint64_t seed) {
  struct random random = random_seeded(seed, 0);
  uint32_t count = writer->graph.count;
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t j = 0; j < (i == 0 ? ROOTS : 2); j++)
      refer(writer, 1 + random_below(&random, count - 1));
    end_object(writer, i);
  }
}

static void write_tree(struct writer *writer) {
  for (uint32_t i = 0; i < writer->graph.count; i++) {
    refer(writer, 2 * i + 1);
    refer(writer, 2 * i + 2);
    end_object(writer, i);
  }
}

/*
 * The root refers to the first of each row; rows lie behind each other. In a row each refers to the
 * next.
 */
static void write_rows(struct writer *writer, uint32_t length) {
  for (uint32_t i = 0; i < writer->graph.count; i++) {
    if (i == 0)
      for (uint32_t head = 1; head < writer->graph.count; head += length)
        refer(writer, head);
    else if (i % length != 0)
      refer(writer, i + 1);
    end_object(writer, i);
  }
}

/* Cells at 0, 16, 32...; the tree of a cell is in the 15 places behind it. */
static void write_records(struct writer *writer) {
  for (uint32_t i = 0; i < writer->graph.count; i++) {
    uint32_t place = i % RECORD, cell = i - place;
    if (place == 0) {
      refer(writer, cell + RECORD);
      refer(writer, cell + 1);
    } else if (2 * place + 1 < RECORD) {
      refer(writer, cell + 2 * place);
      refer(writer, cell + 2 * place + 1);
    }
    end_object(writer, i);
  }
}

static uint32_t count_reachable(const struct graph *graph) {
  uint32_t *queue = stress_malloc(graph->count * sizeof *queue), head = 0, tail = 1;
  uint8_t *seen = stress_calloc(graph->count, 1);
  queue[0] = 0;
  seen[0] = 1;
  for (; head < tail; head++)
    for (uint32_t i = graph->first[queue[head]]; i < graph->first[queue[head] + 1]; i++)
      if (!seen[graph->to[i]]) {
        seen[graph->to[i]] = 1;
        queue[tail++] = graph->to[i];
      }
  free(queue);
  free(seen);
  return tail;
}

struct graph graph_make(enum shape shape, uint32_t count, uint64_t seed) {
  struct writer writer = {.graph = {.count = count}};
  writer.graph.first = stress_calloc((size_t)count + 1, sizeof(uint32_t));
  writer.graph.to = stress_malloc((2 * (size_t)count + ROOTS) * sizeof(uint32_t));
  switch (shape) {
  case SHAPE_RANDOM: write_random(&writer, seed); break;
  case SHAPE_TREE: write_tree(&writer); break;
  case SHAPE_TABLE: write_rows(&writer, CHAIN); break;
  case SHAPE_ARRAY: write_rows(&writer, 1); break;
  case SHAPE_RECORDS: write_records(&writer); break;
  case SHAPE_LISTS: write_rows(&writer, (count + ROOTS - 2) / ROOTS); break;
  default: write_rows(&writer, count); break;
  }
  writer.graph.reachable = count_reachable(&writer.graph);
  return writer.graph;
}

void graph_free(struct graph *graph) {
  free(graph->first);
  free(graph->to);
}
