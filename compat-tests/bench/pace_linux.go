package main

import (
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exactTimers keeps the goroutine on a thread whose timers the kernel does not gather,
// until restore is called.
func exactTimers() (restore func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else sleeps are a bit longer
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0 is the default
		runtime.UnlockOSThread()
	}
}

// sleep is time.Sleep by this thread itself: the runtime's timers wait in epoll, some of
// it in whole milliseconds, and another thread may have to be woken. It may end early.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil) // a signal ends it
}
