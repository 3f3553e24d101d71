package protocol

// requestLayouts describes the body of every request that a broker may serve, by
// API key, for all versions since 0. It is Kafka's message schemas (3.9 for the
// versions that 4.0 dropped, 4.3 and 4.4 for the rest) in a short notation:
//
//	name:type VERSIONS null VERSIONS tag NUMBER [VERSIONS]; ...
//
// Types are Kafka's; []T is an array and {...} a structure. VERSIONS is 3, 3-5 or
// 3+, and all versions when it is missing. A field may be null in the versions
// after "null", and is a tagged field in those after its tag.
var requestLayouts = [...]requestLayout{
	0: {"Produce", 9, `
		transactional_id:string 3+ null 3+; acks:int16; timeout_ms:int32; topic_data:[]{name:string 0-12; topic_id:uuid
		13+; partition_data:[]{index:int32; records:bytes null 0+}}`},
	1: {"Fetch", 12, `
		cluster_id:string 12+ null 12+ tag 0; replica_id:int32 0-14; replica_state:{replica_id:int32 15+;
		replica_epoch:int64 15+} 15+ tag 1; max_wait_ms:int32; min_bytes:int32; max_bytes:int32 3+; isolation_level:int8
		4+; session_id:int32 7+; session_epoch:int32 7+; topics:[]{topic:string 0-12; topic_id:uuid 13+;
		partitions:[]{partition:int32; current_leader_epoch:int32 9+; fetch_offset:int64; last_fetched_epoch:int32 12+;
		log_start_offset:int64 5+; partition_max_bytes:int32; replica_directory_id:uuid 17+ tag 0; high_watermark:int64
		18+ tag 1}}; forgotten_topics_data:[]{topic:string 7-12; topic_id:uuid 13+; partitions:[]int32 7+} 7+;
		rack_id:string 11+`},
	2: {"ListOffsets", 6, `
		replica_id:int32; isolation_level:int8 2+; topics:[]{name:string; partitions:[]{partition_index:int32;
		current_leader_epoch:int32 4+; timestamp:int64; max_num_offsets:int32 0}}; timeout_ms:int32 10+`},
	3: {"Metadata", 9, `
		topics:[]{topic_id:uuid 10+; name:string null 10+} null 1+; allow_auto_topic_creation:bool 4+;
		include_cluster_authorized_operations:bool 8-10; include_topic_authorized_operations:bool 8+`},
	8: {"OffsetCommit", 8, `
		group_id:string; generation_id_or_member_epoch:int32 1+; member_id:string 1+; group_instance_id:string 7+ null
		7+; retention_time_ms:int64 2-4; topics:[]{name:string 0-9; topic_id:uuid 10+;
		partitions:[]{partition_index:int32; committed_offset:int64; committed_leader_epoch:int32 6+;
		commit_timestamp:int64 1; committed_metadata:string null 0+}}`},
	9: {"OffsetFetch", 6, `
		group_id:string 0-7; topics:[]{name:string 0-7; partition_indexes:[]int32 0-7} 0-7 null 2-7;
		groups:[]{group_id:string 8+; member_id:string 9+ null 9+; member_epoch:int32 9+; topics:[]{name:string 8-9;
		topic_id:uuid 10+; partition_indexes:[]int32 8+} 8+ null 8+} 8+; require_stable:bool 7+`},
	10: {"FindCoordinator", 3, `key:string 0-3; key_type:int8 1+; coordinator_keys:[]string 4+`},
	11: {"JoinGroup", 6, `
		group_id:string; session_timeout_ms:int32; rebalance_timeout_ms:int32 1+; member_id:string;
		group_instance_id:string 5+ null 5+; protocol_type:string; protocols:[]{name:string; metadata:bytes};
		reason:string 8+ null 8+`},
	12: {"Heartbeat", 4, `group_id:string; generation_id:int32; member_id:string; group_instance_id:string 3+ null 3+`},
	13: {"LeaveGroup", 4, `
		group_id:string; member_id:string 0-2; members:[]{member_id:string 3+; group_instance_id:string 3+ null 3+;
		reason:string 5+ null 5+} 3+`},
	14: {"SyncGroup", 4, `
		group_id:string; generation_id:int32; member_id:string; group_instance_id:string 3+ null 3+;
		protocol_type:string 5+ null 5+; protocol_name:string 5+ null 5+; assignments:[]{member_id:string;
		assignment:bytes}`},
	15: {"DescribeGroups", 5, `groups:[]string; include_authorized_operations:bool 3+`},
	16: {"ListGroups", 3, `states_filter:[]string 4+; types_filter:[]string 5+`},
	17: {"SaslHandshake", -1, `mechanism:string`},
	18: {"ApiVersions", 3, `
		client_software_name:string 3+; client_software_version:string 3+; cluster_id:string 5+ null 5+; node_id:int32 5+`},
	19: {"CreateTopics", 5, `
		topics:[]{name:string; num_partitions:int32; replication_factor:int16; assignments:[]{partition_index:int32;
		broker_ids:[]int32}; configs:[]{name:string; value:string null 0+}}; timeout_ms:int32; validate_only:bool 1+`},
	20: {"DeleteTopics", 4, `topics:[]{name:string 6+ null 6+; topic_id:uuid 6+} 6+; topic_names:[]string 0-5; timeout_ms:int32`},
	21: {"DeleteRecords", 2, `topics:[]{name:string; partitions:[]{partition_index:int32; offset:int64}}; timeout_ms:int32`},
	22: {"InitProducerId", 2, `
		transactional_id:string null 0+; transaction_timeout_ms:int32; producer_id:int64 3+; producer_epoch:int16 3+;
		enable2_pc:bool 6+; keep_prepared_txn:bool 6+`},
	23: {"OffsetForLeaderEpoch", 4, `
		replica_id:int32 3+; topics:[]{topic:string; partitions:[]{partition:int32; current_leader_epoch:int32 2+;
		leader_epoch:int32}}`},
	24: {"AddPartitionsToTxn", 3, `
		transactions:[]{transactional_id:string 4+; producer_id:int64 4+; producer_epoch:int16 4+; verify_only:bool 4+;
		topics:[]{name:string; partitions:[]int32} 4+} 4+; v3_and_below_transactional_id:string 0-3;
		v3_and_below_producer_id:int64 0-3; v3_and_below_producer_epoch:int16 0-3; v3_and_below_topics:[]{name:string;
		partitions:[]int32} 0-3`},
	25: {"AddOffsetsToTxn", 3, `transactional_id:string; producer_id:int64; producer_epoch:int16; group_id:string`},
	26: {"EndTxn", 3, `transactional_id:string; producer_id:int64; producer_epoch:int16; committed:bool`},
	27: {"WriteTxnMarkers", 1, `
		markers:[]{producer_id:int64; producer_epoch:int16; transaction_result:bool; topics:[]{name:string;
		partition_indexes:[]int32}; coordinator_epoch:int32; transaction_version:int8 2+}`},
	28: {"TxnOffsetCommit", 3, `
		transactional_id:string; group_id:string; producer_id:int64; producer_epoch:int16; generation_id:int32 3+;
		member_id:string 3+; group_instance_id:string 3+ null 3+; topics:[]{name:string 0-5; topic_id:uuid 6+;
		partitions:[]{partition_index:int32; committed_offset:int64; committed_leader_epoch:int32 2+;
		committed_metadata:string null 0+}}`},
	29: {"DescribeAcls", 2, `
		resource_type_filter:int8; resource_name_filter:string null 0+; pattern_type_filter:int8 1+;
		principal_filter:string null 0+; host_filter:string null 0+; operation:int8; permission_type:int8`},
	30: {"CreateAcls", 2, `
		creations:[]{resource_type:int8; resource_name:string; resource_pattern_type:int8 1+; principal:string;
		host:string; operation:int8; permission_type:int8}`},
	31: {"DeleteAcls", 2, `
		filters:[]{resource_type_filter:int8; resource_name_filter:string null 0+; pattern_type_filter:int8 1+;
		principal_filter:string null 0+; host_filter:string null 0+; operation:int8; permission_type:int8}`},
	32: {"DescribeConfigs", 4, `
		resources:[]{resource_type:int8; resource_name:string; configuration_keys:[]string null 0+};
		include_synonyms:bool 1+; include_documentation:bool 3+`},
	33: {"AlterConfigs", 2, `
		resources:[]{resource_type:int8; resource_name:string; configs:[]{name:string; value:string null 0+}};
		validate_only:bool`},
	34: {"AlterReplicaLogDirs", 2, `dirs:[]{path:string; topics:[]{name:string; partitions:[]int32}}`},
	35: {"DescribeLogDirs", 2, `topics:[]{topic:string; partitions:[]int32} null 0+`},
	36: {"SaslAuthenticate", 2, `auth_bytes:bytes`},
	37: {"CreatePartitions", 2, `
		topics:[]{name:string; count:int32; assignments:[]{broker_ids:[]int32} null 0+}; timeout_ms:int32;
		validate_only:bool`},
	38: {"CreateDelegationToken", 2, `
		owner_principal_type:string 3+ null 3+; owner_principal_name:string 3+ null 3+;
		renewers:[]{principal_type:string; principal_name:string}; max_lifetime_ms:int64`},
	39: {"RenewDelegationToken", 2, `hmac:bytes; renew_period_ms:int64`},
	40: {"ExpireDelegationToken", 2, `hmac:bytes; expiry_time_period_ms:int64`},
	41: {"DescribeDelegationToken", 2, `owners:[]{principal_type:string; principal_name:string} null 0+`},
	42: {"DeleteGroups", 2, `groups_names:[]string`},
	43: {"ElectLeaders", 2, `election_type:int8 1+; topic_partitions:[]{topic:string; partitions:[]int32} null 0+; timeout_ms:int32`},
	44: {"IncrementalAlterConfigs", 1, `
		resources:[]{resource_type:int8; resource_name:string; configs:[]{name:string; config_operation:int8;
		value:string null 0+}}; validate_only:bool`},
	45: {"AlterPartitionReassignments", 0, `
		timeout_ms:int32; allow_replication_factor_change:bool 1+; topics:[]{name:string;
		partitions:[]{partition_index:int32; replicas:[]int32 null 0+}}`},
	46: {"ListPartitionReassignments", 0, `timeout_ms:int32; topics:[]{name:string; partition_indexes:[]int32} null 0+`},
	47: {"OffsetDelete", -1, `group_id:string; topics:[]{name:string; partitions:[]{partition_index:int32}}`},
	48: {"DescribeClientQuotas", 1, `components:[]{entity_type:string; match_type:int8; match:string null 0+}; strict:bool`},
	49: {"AlterClientQuotas", 1, `
		entries:[]{entity:[]{entity_type:string; entity_name:string null 0+}; ops:[]{key:string; value:float64;
		remove:bool}}; validate_only:bool`},
	50: {"DescribeUserScramCredentials", 0, `users:[]{name:string} null 0+`},
	51: {"AlterUserScramCredentials", 0, `
		deletions:[]{name:string; mechanism:int8}; upsertions:[]{name:string; mechanism:int8; iterations:int32;
		salt:bytes; salted_password:bytes}`},
	55: {"DescribeQuorum", 0, `topics:[]{topic_name:string; partitions:[]{partition_index:int32}}`},
	57: {"UpdateFeatures", 0, `
		timeout_ms:int32; feature_updates:[]{feature:string; max_version_level:int16; allow_downgrade:bool 0;
		upgrade_type:int8 1+}; validate_only:bool 1+`},
	60: {"DescribeCluster", 0, `include_cluster_authorized_operations:bool; endpoint_type:int8 1+; include_fenced_brokers:bool 2+`},
	61: {"DescribeProducers", 0, `topics:[]{name:string; partition_indexes:[]int32}`},
	64: {"UnregisterBroker", 0, `broker_id:int32`},
	65: {"DescribeTransactions", 0, `transactional_ids:[]string`},
	66: {"ListTransactions", 0, `
		state_filters:[]string; producer_id_filters:[]int64; duration_filter:int64 1+; transactional_id_pattern:string
		2+ null 2+`},
	68: {"ConsumerGroupHeartbeat", 0, `
		group_id:string; member_id:string; member_epoch:int32; instance_id:string null 0+; rack_id:string null 0+;
		rebalance_timeout_ms:int32; subscribed_topic_names:[]string null 0+; subscribed_topic_regex:string 1+ null 1+;
		server_assignor:string null 0+; topic_partitions:[]{topic_id:uuid; partitions:[]int32} null 0+`},
	69: {"ConsumerGroupDescribe", 0, `group_ids:[]string; include_authorized_operations:bool`},
	71: {"GetTelemetrySubscriptions", 0, `client_instance_id:uuid`},
	72: {"PushTelemetry", 0, `client_instance_id:uuid; subscription_id:int32; terminating:bool; compression_type:int8; metrics:bytes`},
	74: {"ListConfigResources", 0, `resource_types:[]int8 1+`},
	75: {"DescribeTopicPartitions", 0, `
		topics:[]{name:string}; response_partition_limit:int32; cursor:{topic_name:string; partition_index:int32} null
		0+`},
	76: {"ShareGroupHeartbeat", 0, `
		group_id:string; member_id:string; member_epoch:int32; rack_id:string null 0+; subscribed_topic_names:[]string
		null 0+`},
	77: {"ShareGroupDescribe", 0, `group_ids:[]string; include_authorized_operations:bool`},
	78: {"ShareFetch", 0, `
		group_id:string null 0+; member_id:string null 0+; share_session_epoch:int32; max_wait_ms:int32;
		min_bytes:int32; max_bytes:int32; max_records:int32 1+; batch_size:int32 1+; share_acquire_mode:int8 2+;
		is_renew_ack:bool 2+; topics:[]{topic_id:uuid; partitions:[]{partition_index:int32; partition_max_bytes:int32 0;
		acknowledgement_batches:[]{first_offset:int64; last_offset:int64; acknowledge_types:[]int8}}};
		forgotten_topics_data:[]{topic_id:uuid; partitions:[]int32}`},
	79: {"ShareAcknowledge", 0, `
		group_id:string null 0+; member_id:string null 0+; share_session_epoch:int32; is_renew_ack:bool 2+;
		topics:[]{topic_id:uuid; partitions:[]{partition_index:int32; acknowledgement_batches:[]{first_offset:int64;
		last_offset:int64; acknowledge_types:[]int8}}}`},
	80: {"AddRaftVoter", 0, `
		cluster_id:string null 0+; timeout_ms:int32; voter_id:int32; voter_directory_id:uuid; listeners:[]{name:string;
		host:string; port:uint16}; ack_when_committed:bool 1+`},
	81: {"RemoveRaftVoter", 0, `cluster_id:string null 0+; voter_id:int32; voter_directory_id:uuid`},
	83: {"InitializeShareGroupState", 0, `group_id:string; topics:[]{topic_id:uuid; partitions:[]{partition:int32; state_epoch:int32; start_offset:int64}}`},
	84: {"ReadShareGroupState", 0, `group_id:string; topics:[]{topic_id:uuid; partitions:[]{partition:int32; leader_epoch:int32}}`},
	85: {"WriteShareGroupState", 0, `
		group_id:string; topics:[]{topic_id:uuid; partitions:[]{partition:int32; state_epoch:int32; leader_epoch:int32;
		start_offset:int64; delivery_complete_count:int32 1+; state_batches:[]{first_offset:int64; last_offset:int64;
		delivery_state:int8; delivery_count:int16}}}`},
	86: {"DeleteShareGroupState", 0, `group_id:string; topics:[]{topic_id:uuid; partitions:[]{partition:int32}}`},
	87: {"ReadShareGroupStateSummary", 0, `group_id:string; topics:[]{topic_id:uuid; partitions:[]{partition:int32; leader_epoch:int32}}`},
	88: {"StreamsGroupHeartbeat", 0, `
		group_id:string; member_id:string; member_epoch:int32; endpoint_information_epoch:int32; instance_id:string null
		0+; rack_id:string null 0+; rebalance_timeout_ms:int32; topology:{epoch:int32;
		subtopologies:[]{subtopology_id:string; source_topics:[]string; source_topic_regex:[]string;
		state_changelog_topics:[]{name:string; partitions:int32; replication_factor:int16; topic_configs:[]{key:string;
		value:string}}; repartition_sink_topics:[]string; repartition_source_topics:[]{name:string; partitions:int32;
		replication_factor:int16; topic_configs:[]{key:string; value:string}};
		copartition_groups:[]{source_topics:[]int16; source_topic_regex:[]int16; repartition_source_topics:[]int16}}}
		null 0+; active_tasks:[]{subtopology_id:string; partitions:[]int32} null 0+;
		standby_tasks:[]{subtopology_id:string; partitions:[]int32} null 0+; warmup_tasks:[]{subtopology_id:string;
		partitions:[]int32} null 0+; process_id:string null 0+; user_endpoint:{host:string; port:uint16} null 0+;
		client_tags:[]{key:string; value:string} null 0+; task_offsets:[]{subtopology_id:string; partition:int32;
		offset:int64} null 0+; task_end_offsets:[]{subtopology_id:string; partition:int32; offset:int64} null 0+;
		shutdown_application:bool`},
	89: {"StreamsGroupDescribe", 0, `
		group_ids:[]string; include_authorized_operations:bool; include_topology_description:bool 1+`},
	90: {"DescribeShareGroupOffsets", 0, `groups:[]{group_id:string; topics:[]{topic_name:string; partitions:[]int32} null 0+}`},
	91: {"AlterShareGroupOffsets", 0, `group_id:string; topics:[]{topic_name:string; partitions:[]{partition_index:int32; start_offset:int64}}`},
	92: {"DeleteShareGroupOffsets", 0, `group_id:string; topics:[]{topic_name:string}`},
}
