package testbed

import (
	"os"
	"time"
)

// EnvPatience shortens what Patience grants, for runs that expect a test to fail: a
// broker that is broken never gets there.
const EnvPatience = "COMPAT_PATIENCE"

// Patience is how long a test waits for what a good broker does at once, on however
// busy a machine.
func Patience(usual time.Duration) time.Duration {
	if shorter, err := time.ParseDuration(os.Getenv(EnvPatience)); err == nil {
		return min(usual, shorter)
	}
	return usual
}
