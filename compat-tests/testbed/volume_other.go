//go:build !linux

package testbed

import (
	"errors"
	"testing"
)

// Volume is a small file system of its own; it exists on Linux only.
type Volume struct{}

// MountVolume refuses.
func MountVolume(*testing.T, int) (*Volume, error) {
	return nil, errors.New("small volumes are mounted on Linux only")
}

// Data is the data folder of a broker on the volume.
func (v *Volume) Data() string { return "" }

// Free is what the volume still takes.
func (v *Volume) Free(*testing.T) int64 { return 0 }

// Reserve takes some room, to be given back by Release.
func (v *Volume) Reserve(*testing.T, int) {}

// Fill takes every free byte that there is.
func (v *Volume) Fill(*testing.T) {}

// Release gives back what Reserve and Fill took.
func (v *Volume) Release(*testing.T) {}
