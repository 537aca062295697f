/*
 * cycle/kind.h: the two kinds of cycles.
 */
#ifndef LU_CYCLE_KIND_H
#define LU_CYCLE_KIND_H

enum lu_kind { LU_MAJOR, LU_MINOR };
#define LU_KINDS 2

#endif
