/*
 * support/cgroup.h: what the cgroups (version 2) above the process allow it. Any thread; no state.
 */
#ifndef LU_SUPPORT_CGROUP_H
#define LU_SUPPORT_CGROUP_H

#include <stdint.h>

/*
 * The lowest value that `parse` makes of the file of this name in the process's cgroup and those
 * above it, as far as the process can see; UINT64_MAX for none. parse gets the file's text and
 * returns UINT64_MAX for "no limit". Reads /proc and /sys: milliseconds at worst.
 */
uint64_t lu_cgroup_lowest(const char *file, uint64_t (*parse)(const char *text));

#endif
