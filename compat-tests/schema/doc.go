// Package schema decodes any Kafka request or response from Kafka's own message
// schemas (the JSON files in its client jar), into a tree of named values.
//
// It exists because a judge must see what is on the wire: a null array against
// an empty one, a tagged field that is sent against one that is left out, bytes
// after the end. Decoders made for clients forgive all three.
//
//	Parse(schemas) -> Catalog -> Message (per API key and direction)
//	Message.Decode(version, body) -> *Struct
//	Message.Random(version, source, empty) -> a body with values of all kinds
package schema
