package heavy

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A patient thread has longer slices, and nothing else of it changes.
func TestPatience(t *testing.T) {
	if ordinarySlice() == 0 {
		t.Skip("this kernel knows no slices of a thread's own (Linux 6.12)")
	}
	done := make(chan struct{})
	go func() { // the thread ends with it
		defer close(done)
		runtime.LockOSThread()
		const lower = 7
		if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lower); err != nil {
			t.Errorf("nice: %v", err)
		}
		expect := func(when string, slice uint64) {
			t.Helper()
			attr, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				t.Errorf("%s: %v", when, err)
				return
			}
			if attr.Runtime != slice || attr.Nice != lower || attr.Policy != unix.SCHED_NORMAL {
				t.Errorf("%s: a slice of %d ns, nice %d, policy %d; want %d ns, %d, %d", when, attr.Runtime, attr.Nice, attr.Policy, slice, lower, unix.SCHED_NORMAL)
			}
		}
		for range 2 {
			Patient()
			expect("patient", uint64(patientSlice))
			Prompt()
			expect("prompt", ordinarySlice())
		}
	}()
	<-done
}
