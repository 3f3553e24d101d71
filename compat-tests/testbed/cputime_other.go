//go:build !linux

package testbed

import (
	"errors"
	"time"
)

// cpuTime is not known here, as all of Usage is not.
func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
