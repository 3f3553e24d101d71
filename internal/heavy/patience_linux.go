package heavy

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// patientSlice is how long at once the kernel lets a patient thread have a processor while
// others are ready; between 0.1 and 100 ms (sched_setattr(2)).
const patientSlice = 20 * time.Millisecond

// ordinarySlice is what threads have of themselves, in nanoseconds; 0 where the kernel does
// not tell, before Linux 6.12, and where the time is not shared.
var ordinarySlice = sync.OnceValue(func() uint64 {
	if attr, err := unix.SchedGetAttr(0, 0); err == nil && isShared(attr) {
		return attr.Runtime
	}
	return 0
})

// isShared tells of the policies that share the time: for others Runtime has another meaning.
func isShared(attr *unix.SchedAttr) bool {
	return attr.Policy == unix.SCHED_NORMAL || attr.Policy == unix.SCHED_BATCH
}

// Patient has the kernel prefer every thread that becomes ready, of this process and of others,
// to the present one, which keeps its share of the processor's time. Without it the kernel lets
// whoever has come to work go on for some milliseconds, with somebody else waiting for this
// processor. It is for whoever has a turn; should the goroutine go on with another thread,
// that one is not patient, and no harm is done.
func Patient() { setSlice(uint64(patientSlice)) }

// Prompt is the end of Patient.
func Prompt() { setSlice(ordinarySlice()) }

// setSlice changes nothing else of the thread. What is refused leaves it as it is.
func setSlice(nanoseconds uint64) {
	if ordinarySlice() == 0 {
		return
	}
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Runtime == nanoseconds || !isShared(attr) {
		return
	}
	attr.Runtime = nanoseconds
	_ = unix.SchedSetAttr(0, attr, 0)
}
