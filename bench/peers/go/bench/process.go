package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const rusageThread = 1 // Linux's RUSAGE_THREAD

// processCPU returns the CPU time of the process in ns.
func processCPU() uint64 {
	return cpuTime(syscall.RUSAGE_SELF)
}

// ThreadCPU returns the CPU time of the calling thread in ns, in steps of 1000. It means something
// only to a goroutine that is locked to its thread.
func ThreadCPU() uint64 {
	return cpuTime(rusageThread)
}

func cpuTime(who int) uint64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		Fail("getrusage: %v", err)
	}
	return uint64(usage.Utime.Nano() + usage.Stime.Nano())
}

// runDelay returns for how many ns threads of the process were runnable but not run: all of them,
// for a goroutine is not one thread's, and the collector runs on the same threads.
func runDelay() uint64 {
	sum := uint64(0)
	files, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, file := range files {
		var cpu, delay uint64
		text, _ := os.ReadFile(file) // a thread may have ended
		fmt.Sscan(string(text), &cpu, &delay)
		sum += delay
	}
	return sum
}

// status returns a figure of /proc/self/status in bytes.
func status(key string) uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		Fail("%v", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == key+":" {
			kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	Fail("/proc/self/status has no %s", key)
	return 0
}

// resetPeak makes the highest resident memory what is resident now, where the kernel allows that.
func resetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5\n"), 0)
}
