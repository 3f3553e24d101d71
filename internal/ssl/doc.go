// Package ssl makes the TLS side of a listener out of Kafka's ssl.* settings: keys and
// certificates as PEM, JKS or PKCS12, in files or in the settings themselves, protocol
// versions, cipher suites, and what is asked of a client's certificate.
//
// Material can be read anew while connections go on (Provider): those that are open keep
// what they began with, those that come get the new one. A file that can't be read, or
// that has another name in its certificate than allowed, leaves the old one in place.
//
// The rules and their messages are those of Kafka's DefaultSslEngineFactory and
// SslFactory; where Go's TLS cannot do what Java's does, the error says so.
package ssl
