// Command rootfs makes the container image: the one list of what is in it, the
// archive that a builder adds to an empty image, and, where there is no builder, the
// whole image as an OCI archive.
//
//	tree (links, folders, files of tree/) + binary ─> layer.tar ─┬─> Dockerfile
//	                                                             └─> OCI archive
//
// The same binary gives the same bytes: names are sorted and every time is 1970.
// The image belongs to user 1000 of group 0 where start scripts write, and group
// 0 may write there too, for platforms that choose the user's number.
package main
