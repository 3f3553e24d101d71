// Package image tests the container image: its file tree in a chroot, started as
// launchers start it, and the image itself under a Docker daemon.
//
// The tests run in namespaces of their own (network, mounts, processes), into
// which the test binary starts itself again: launchers' ports are fixed, and nobody
// else may have them. That takes root on Linux; otherwise they are skipped by name.
package image
