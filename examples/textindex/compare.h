/*
 * compare.h: textindex beside its twins (compare.c).
 */
#ifndef TEXTINDEX_COMPARE_H
#define TEXTINDEX_COMPARE_H

/*
 * Runs the programs that stand beside this one (named like it, with -malloc and -boehm), one
 * after the other, with the same arguments and --figures, and prints a table. Returns the exit
 * status: the worst of theirs.
 */
int compare_programs(int argc, char **argv);

#endif
