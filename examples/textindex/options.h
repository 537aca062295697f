/*
 * options.h: the command line (options.c).
 */
#ifndef TEXTINDEX_OPTIONS_H
#define TEXTINDEX_OPTIONS_H

#include "examples/textindex/run.h"

/*
 * Fills the options. Ends the process with status 2 and a message on a bad command line, with 0
 * after --help.
 */
void options_parse(struct options *options, int argc, char **argv);

#endif
