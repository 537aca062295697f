/*
 * SANITIZED: whether a sanitizer's runtime is in the program. It makes resident memory meaningless
 * and everything slower, so checks of memory use are left out and figures say so.
 */
#ifndef STRESS_COMMON_SANITIZER_H
#define STRESS_COMMON_SANITIZER_H

#ifdef __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
