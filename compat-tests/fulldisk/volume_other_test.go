//go:build !linux

package fulldisk

import "testing"

type volume struct{}

func mountVolume(t *testing.T) *volume {
	t.Skip("small volumes are mounted on Linux only")
	return nil
}

func (v *volume) data() string          { return "" }
func (v *volume) free(*testing.T) int64 { return 0 }
func (v *volume) reserve(*testing.T)    {}
func (v *volume) fill(*testing.T)       {}
func (v *volume) release(*testing.T)    {}
