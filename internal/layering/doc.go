// Package layering holds the house's fences as tests: which room may import
// which, what only the outer rooms may touch, and how large files and functions
// may grow. It has no code of its own.
package layering
