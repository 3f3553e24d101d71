//go:build !linux

package main

import "os"

// settle does nothing here; figures are taken on Linux.
func settle(int) {}

// syncAll neither.
func syncAll() {}

// dataSync has a write return when its data and all about it are on the disk.
const dataSync = os.O_SYNC
