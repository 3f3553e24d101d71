//go:build !linux

package main

// settle does nothing here; figures are taken on Linux.
func settle(int) {}

// syncAll neither.
func syncAll() {}
