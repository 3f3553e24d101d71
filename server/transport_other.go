//go:build !linux

package server

import (
	"net"
	"time"
)

func newTransport(c net.Conn, timeout time.Duration) transport {
	return &plainTransport{conn: c, timeout: timeout}
}
