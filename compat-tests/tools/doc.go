// Package tools keeps what Apache Kafka's command-line tools print, word for word,
// and has Barnabas's own tools (cli/kafkatools) print the same.
//
//	testdata/*.txt --> TestToolsAsRecorded --> kafkatools.Run --> Barnabas, in process
//	      ^
//	      '---------- TestRecord -record --> a JVM per command --> Apache Kafka
//
// A file is a list of commands, each with what follows from it; the files whose names
// begin with the same digit are one story, told in the order of their names to one broker:
//
//	$ command line      ADDR is the broker, FILE a file made of the lines with @,
//	                    LASTFILE the last such file, DIR an empty folder, DATA the broker's
//	% GROUP TOPIC       the group has a member to the end of the file; with "consumer" behind, one of KIP-848
//	~ why               what Barnabas prints is not compared, and why
//	~ /pattern/ why     the lines with the pattern are not compared
//	< standard input
//	@ line of FILE
//	> standard output
//	! standard error
//	= exit status
//
// A line that does not end in a newline ends in a backslash. What differs from run
// to run is replaced before it is written (text.go); a usage text is one word,
// since Barnabas has its own.
//
//	go test ./tools                      fast, needs Go alone
//	go test ./tools -run Record -record  writes the files again, from Apache Kafka; -only PATTERN some of them
package tools
