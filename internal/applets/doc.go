// Package applets is the few programs that start scripts and health checks of
// container images call: a shell, and small forms of grep, sed, nc and others.
//
//	script ─> shell (mvdan.cc/sh) ─┬─> applet, in this process
//	                               └─> PATH: a link to this binary, or a program
//
// It promises that what it does it does as POSIX says, and that what it does not
// know it refuses in a sentence with status 2: a script must not go on with half
// an answer. Each applet's options are in the text beside it. They are for start
// scripts, not for people's work: no job control, no signals but the end, no
// locale.
//
// A command that ends a script takes the place of the shell's process (Become),
// as if the script had said exec: in a container the broker is then the process
// that receives the signals, and no shell takes memory beside it.
package applets
