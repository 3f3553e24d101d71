//go:build unix

package disk

import (
	"errors"
	"syscall"
)

// isQuota tells whether the user's disk quota is used up.
func isQuota(err error) bool { return errors.Is(err, syscall.EDQUOT) }
