// Package kerberos has a realm of Kerberos for tests, and judges the broker's own code by
// others'.
//
//	KDC          MIT's, from Debian's packages, unpacked and not installed: a child process
//	             on a loopback port, with its database and its configuration in a folder
//	peer_test.go gokrb5 issues tickets and is the client: every encryption type, and tickets
//	             that no KDC would issue. It needs no KDC
//
// The clients of applications log in with the KDC's tickets in package clients.
package kerberos
