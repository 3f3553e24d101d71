// Package netns has clients meet the broker as they do around a container: in
// network namespaces of their own, with the address translation that a container
// engine sets up for a mapped port. The machine's own network is left alone.
//
//	namespace "host"                                namespace "broker"
//	  lo 127.0.0.1                                    eth0 172.30.77.2, default over .1
//	  br0 172.30.77.1  ───────── the bridge ───────── barnabas on :9092
//	      │  127.0.0.1:9092 is translated to
//	      │  172.30.77.2:9092, and the sender         namespace "neighbour"
//	      │  to 172.30.77.1                            eth0 172.30.77.3
//	      └─────────────────────────────────────────
//
// It needs Linux, root, ip and nft; nft comes from Debian's package if it is not
// installed.
package netns
