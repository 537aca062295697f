// Package bench is what the programs have in common: arguments, checks, random numbers, measuring.
package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

var (
	program = filepath.Base(os.Args[0])
	flags   = flag.NewFlagSet(program, flag.ContinueOnError)
)

// A number; K, M and G multiply by powers of 1024.
type count uint64

func (c *count) String() string {
	return strconv.FormatUint(uint64(*c), 10)
}

func (c *count) Set(text string) error {
	digits, shift := text, 0
	for i, suffix := range []string{"K", "M", "G"} {
		if strings.HasSuffix(strings.ToUpper(text), suffix) {
			digits, shift = text[:len(text)-1], 10*(i+1)
		}
	}
	value, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || value > math.MaxInt64>>shift {
		return errors.New("not a number from 0 to 2^63 - 1")
	}
	*c = count(value << shift)
	return nil
}

// Count declares an argument that is a number.
func Count(name string, value uint64, help string) *uint64 {
	flags.Var((*count)(&value), name, help)
	return &value
}

var threads *uint64

// Threads declares --threads.
func Threads(value uint64) *uint64 {
	threads = Count("threads", value, "goroutines that work at the same time")
	return threads
}

// Within ends the program unless an argument is of this range.
func Within(name string, value *uint64, least, most uint64) {
	Require(*value >= least && *value <= most, "--%s must be %d to %d", name, least, most)
}

// Parse reads the command line. Every program takes --heap, which sets the memory limit, as a user
// does who has so much memory; GOGC stays what the environment says, or its default of 100. The
// limit is no hard one: the collector runs more often when it comes near, and may go beyond it.
func Parse(about string) {
	heap := Count("heap", 0, "memory limit in bytes, a soft one, beside GOGC; 0: none")
	flags.SetOutput(io.Discard)
	err := flags.Parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Printf("usage: %s [--NAME VALUE]...\n%s\n", program, about)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		os.Exit(0)
	}
	if err != nil {
		refuse(err.Error())
	}
	Require(flags.NArg() == 0, "unexpected '%s'; see --help", flags.Arg(0))
	if threads != nil {
		Within("threads", threads, 1, 4096)
	}
	if *heap > 0 {
		debug.SetMemoryLimit(int64(*heap))
	}
}

// Require ends the program unless the condition, which is about its arguments, holds.
func Require(condition bool, format string, values ...any) {
	if !condition {
		refuse(fmt.Sprintf(format, values...))
	}
}

func refuse(message string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", program, message)
	os.Exit(2)
}
