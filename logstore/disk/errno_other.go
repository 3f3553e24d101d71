//go:build !unix

package disk

// isQuota: no such error number here.
func isQuota(error) bool { return false }
