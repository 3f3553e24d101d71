// Package classdata makes JVMs start in half the time: it keeps archives of the
// classes that a class path's programs load (the JVM's class data sharing, JEP 310),
// and says with which flags a JVM maps one.
//
//	train: programs run once -> lists of classes -> one archive by -Xshare:dump
//	                                                 |
//	Flags: its checksum is right -------------------'--> flags, or none
//
// There is one archive for each JVM and class path, in the user's cache folder, under
// a hash of the JVM's own account of itself and of the names, sizes and times of all
// jars: another JVM, or another jar, has its own. It covers programs whose class path
// begins with the archive's; folders may follow. What cannot be made is noted, and the
// JVM goes without until a day is over.
//
// A JVM trusts what it maps, and one that maps a damaged archive crashes. Every process
// of tests therefore sums up an archive before the first use; a damaged one is made again.
package classdata
