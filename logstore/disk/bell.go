package disk

// bell wakes a goroutine of the store. One ring that is not answered yet stands for
// all that follow it.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// answer calls fn after every ring, until stopped is closed.
func (b bell) answer(stopped <-chan struct{}, fn func()) {
	for {
		select {
		case <-stopped:
			return
		case <-b:
		}
		fn()
	}
}
