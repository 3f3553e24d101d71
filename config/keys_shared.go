package config

// sharedKeys: settings that topics and the broker know under one name.
var sharedKeys = []Key{
	{Name: "compression.gzip.level", Type: TypeInt, Default: "-1", Valid: "[1,...,9] or -1", Update: ClusterWide, Effect: Acts, Doc: "Level of gzip where the broker compresses; -1 is the library's choice."},
	{Name: "compression.lz4.level", Type: TypeInt, Default: "9", Valid: "[1,...,17]", Update: ClusterWide, Effect: Acts, Doc: "Level of lz4 where the broker compresses."},
	{Name: "compression.type", Type: TypeString, Default: "producer", Valid: "[uncompressed, zstd, lz4, snappy, gzip, producer]", Update: ClusterWide, Effect: Acts, Doc: "Codec of stored batches; producer keeps what the producer chose."},
	{Name: "compression.zstd.level", Type: TypeInt, Default: "3", Valid: "[-131072,...,22]", Update: ClusterWide, Effect: Acts, Doc: "Level of zstd where the broker compresses."},
	{Name: "min.insync.replicas", Type: TypeInt, Default: "1", Valid: "[1,...]", Update: ClusterWide, Effect: Acts, Doc: "In-sync replicas that a write with acks=all needs."},
	{Name: "unclean.leader.election.enable", Type: TypeBoolean, Default: "false", Update: ClusterWide, Doc: "Let a replica that lags become leader, losing records."},
}
