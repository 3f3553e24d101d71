//go:build !linux

package main

func resetPeak(int) {}
