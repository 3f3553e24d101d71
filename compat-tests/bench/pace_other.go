//go:build !linux

package main

import "time"

// exactTimers has no counterpart here; sleeps are longer.
func exactTimers() (restore func()) { return func() {} }

func sleep(d time.Duration) { time.Sleep(d) }
