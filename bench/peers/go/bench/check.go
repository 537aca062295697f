package bench

import (
	"fmt"
	"os"
)

// Fail ends the program: a result is wrong.
func Fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", program, fmt.Sprintf(format, values...))
	os.Exit(1)
}

// CheckEqual ends the program unless a result is what it must be.
func CheckEqual(found, expected uint64, what string) {
	if found != expected {
		Fail("%s: %d instead of %d", what, found, expected)
	}
}
