// Package group is the group coordinator: who belongs to a consumer group, what
// each member is assigned, and how far the group has read.
//
// Machine holds all groups and committed offsets of one shard and is pure: it
// turns an input and a moment into records, replies and timers (see package
// coordinator for who carries them out). Coordinator is what the rest of the
// broker calls; it finds the shard of a group and hands the call over.
//
// One id space serves every group protocol. The classic one works as follows
// (KIP-62, 345, 394, 814; Apache Kafka's ClassicGroup and GroupMetadataManager):
//
//	          join                      all joined, or time is up
//	Empty ───────────> PreparingRebalance ───────────> CompletingRebalance
//	  ^                 ^             ^ join, leave, lost member   │
//	  │ all left        │ join,       └────────────────────────────┤
//	  │                 │ leave, lost                  leader syncs│
//	  └─────────────────┴───────────── Stable <────────────────────┘
//
// The consumer protocol (KIP-848) has no generations: members tell with
// heartbeats what they read and own, the coordinator computes who is to own what,
// and each member goes towards that by itself (consumer_heartbeat.go):
//
//	who is in the group, what it reads  >  group epoch
//	who is to own what (assignor)       >  target epoch      newTarget
//	what this member owns               >  member epoch      reconciliation
//
//	         target is news                     gave up what it has to
//	stable ───────────────────> revoking ──────────────────────────────┐
//	  ^ ^                                                              v
//	  │ └── all is free ── waiting <── others still own a part of it ──┤
//	  └────────────────────────────────────────────────────────────────┘
//
// A group is turned from one protocol into the other when the first member of the
// consumer protocol joins and when the last one leaves; meanwhile classic members
// are members of a consumer group (migrate.go, consumer_classic.go).
//
// What is journaled, in Kafka's formats (record*.go): a group when its leader
// has assigned, when it became empty, when a static member took another member
// id, and when it was created or deleted; all of a consumer group; and every
// committed offset. Members of a classic group between two assignments, who waits
// for which answer, and all sessions are volatile, as in Kafka: after a restart the last assigned generation stands,
// and members of a newer one are told to join again.
//
// Offsets expire (KIP-211, expiry.go): every so often each shard looks for those
// that are older than the retention and that no member can be reading.
//
// Share groups (KIP-932, share_heartbeat.go) go by heartbeats too, but several
// members may read one partition, so that nobody has to wait for anybody. How far
// they have come in each partition is not kept here: ShareState is asked to begin
// (share_progress.go), and a partition is assigned once it has.
//
// Not here yet: streams groups. Those that Apache Kafka has left in the
// log are known by their type and left alone (foreign.go).
package group
