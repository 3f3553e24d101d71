//go:build !unix

package console

func processorSeconds() (seconds float64, ok bool) { return 0, false }
