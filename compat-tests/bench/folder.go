package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runFolder makes the folder in which everything of a run lies, brokers' data as well,
// and has all that makes temporary folders make them there.
func runFolder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(dir, "bench-run-")
	if err != nil {
		return "", err
	}
	return folder, os.Setenv("TMPDIR", folder)
}

// interruptedStatus is what a shell gives a program that SIGINT ended.
const interruptedStatus = 130

// endOnSignal ends the brokers and removes the run's folder when the run is interrupted.
// What was recorded of whole series is in the file already.
func endOnSignal(folder string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the program
		<-signals
		fmt.Fprintln(os.Stderr, "bench: interrupted; ending the brokers")
		for range 50 { // a child may have been on its way
			for _, pid := range children() {
				if child, err := os.FindProcess(pid); err == nil {
					_ = child.Kill() // fails only if it has ended
				}
			}
			if os.RemoveAll(folder) == nil && len(children()) == 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		os.Exit(interruptedStatus)
	}()
}

// children are the processes that this one has started and not yet reaped, as proc(5)
// lists them for each thread; none where there is no /proc.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is a good one
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// spaceFor is what a series may need at once on the disk: the largest data of a workload,
// on each of the brokers.
func spaceFor(o options) int64 { return 16 * int64(o.sizeMiB) << 20 }

// checkSpace is an error where the disk has not what a series may need.
func checkSpace(folder string, o options) error {
	if free, known := freeBytes(folder); known && free < spaceFor(o) {
		return fmt.Errorf("%d MiB are free in %s, %d are needed: give another --dir or a smaller --size", free>>20, folder, spaceFor(o)>>20)
	}
	return nil
}
