/*
 * support/lock.h: a plain mutex. Held for microseconds, never across a closure, a hook or a wait
 * for another thread. An attached thread that may have to wait for it uses lu_lock_blocking
 * (threads/blocked.h).
 */
#ifndef LU_SUPPORT_LOCK_H
#define LU_SUPPORT_LOCK_H

#include <pthread.h>
#include "support/assert.h"

struct lu_lock {
  pthread_mutex_t mutex;
};

#define LU_LOCK_INITIALIZER {PTHREAD_MUTEX_INITIALIZER}

static inline void lu_lock_init(struct lu_lock *lock) {
  LU_CHECK(pthread_mutex_init(&lock->mutex, NULL) == 0, "a mutex could not be made");
}

/* The lock is free. */
static inline void lu_lock_destroy(struct lu_lock *lock) {
  LU_CHECK(pthread_mutex_destroy(&lock->mutex) == 0, "a mutex is destroyed while it is held");
}

static inline void lu_lock(struct lu_lock *lock) {
  LU_CHECK(pthread_mutex_lock(&lock->mutex) == 0, "a mutex cannot be locked");
}

/* Returns whether it took the lock. */
static inline bool lu_trylock(struct lu_lock *lock) {
  return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void lu_unlock(struct lu_lock *lock) {
  LU_CHECK(pthread_mutex_unlock(&lock->mutex) == 0, "a mutex is unlocked by another thread");
}

#endif
