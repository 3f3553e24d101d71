// Package barnabas starts the broker of the parent module as a user would: the
// binary, built once, with its flags, its ready line and its signals.
package barnabas
