package config

// clientMetricsKeys: settings of subscriptions to client metrics.
var clientMetricsKeys = []Key{
	{Name: "interval.ms", Type: TypeInt, Default: "300000", Doc: "How often clients push the subscribed metrics."},
	{Name: "match", Type: TypeList, Doc: "Which clients are meant, as a list of attribute=pattern."},
	{Name: "metrics", Type: TypeList, Doc: "Prefixes of the metrics to push; * is all."},
}
