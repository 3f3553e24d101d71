// Package fulldisk runs Barnabas on a volume of 64 MiB, a memory file system, and
// fills it to the last byte.
//
//	produce                        KAFKA_STORAGE_ERROR until there is room, then again by itself
//	fetch, offset commit           go on
//	create, alter, delete topics   go on
//	kill -9, start                 go on, and nothing acknowledged is lost
//
// Mounting needs Linux and root. Where it is refused the tests are skipped by
// name; in CI they fail.
//
//	go test ./fulldisk -v
package fulldisk
