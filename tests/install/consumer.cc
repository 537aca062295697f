/*
 * consumer.cc: the public headers from C++17: two std::threads allocate into one heap and
 * hand an object over through a shared root range. The expected version comes from pkg-config.
 */
#include <lull.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

struct Cell {
  lull_object header;
  Cell *next;
  std::size_t number;
};

constexpr std::size_t kCells = 5000;

void require(bool good, const char *what) {
  if (!good) {
    std::fprintf(stderr, "consumer: %s\n", what);
    std::exit(1);
  }
}

lull_thread *attach(lull_heap *heap) {
  lull_thread *thread;
  require(lull_attach(heap, &thread) == LULL_OK, "lull_attach");
  return thread;
}

// Makes a list of kCells cells and publishes its head.
void produce(lull_heap *heap, lull_type type, void **shared) {
  lull_thread *thread = attach(heap);
  {
    Cell *list = nullptr;
    LULL_ROOTS(thread, list);
    for (std::size_t i = 0; i < kCells; i++) {
      auto *cell = static_cast<Cell *>(lull_new(thread, type));
      require(cell != nullptr, "lull_new");
      cell->number = i;
      lull_init(thread, cell, &cell->next, list);
      list = cell;
    }
    lull_root_store(thread, shared, list);
  }
  require(lull_detach(thread) == LULL_OK, "lull_detach");
}

// Takes what produce() published and counts it after a collection.
void consume(lull_heap *heap, void **shared) {
  lull_thread *thread = attach(heap);
  {
    auto *list = static_cast<Cell *>(lull_root_exchange(thread, shared, nullptr));
    LULL_ROOTS(thread, list);
    require(lull_collect(thread) == LULL_OK, "lull_collect");
    std::size_t count = 0;
    for (Cell *cell = list; cell != nullptr; cell = cell->next)
      require(cell->number == kCells - ++count, "a cell after a collection");
    require(count == kCells, "the length after a collection");
  }
  require(lull_detach(thread) == LULL_OK, "lull_detach");
}

}  // namespace

int main(int argc, char **argv) {
  require(argc == 2 && std::strcmp(lull_version(), argv[1]) == 0, "lull_version");

  lull_heap *heap;
  require(lull_heap_create(nullptr, &heap) == LULL_OK, "lull_heap_create");
  const uint64_t map[] = {LULL_BIT(Cell, next)};
  lull_type_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.name = "Cell";
  desc.size = sizeof(Cell);
  desc.layout.refs = LULL_REFS_MAP;
  desc.layout.map = map;
  desc.layout.map_words = 1;
  lull_type type;
  require(lull_type_define(heap, &desc, &type) == LULL_OK, "lull_type_define");

  void *shared[1] = {nullptr};
  lull_thread *thread = attach(heap);
  require(lull_shared_range_add(thread, shared, 1) == LULL_OK, "lull_shared_range_add");
  require(lull_blocked_begin(thread) == LULL_OK, "lull_blocked_begin");
  std::thread([&] { produce(heap, type, shared); }).join();
  std::thread([&] { consume(heap, shared); }).join();
  require(lull_blocked_end(thread) == LULL_OK, "lull_blocked_end");
  require(lull_shared_range_remove(thread, shared) == LULL_OK, "lull_shared_range_remove");
  require(lull_detach(thread) == LULL_OK, "lull_detach");
  require(lull_heap_destroy(heap) == LULL_OK, "lull_heap_destroy");
  return 0;
}
