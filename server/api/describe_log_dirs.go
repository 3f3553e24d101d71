package api

// DescribeLogDirs (key 35), versions 0 to 5.
//
// Tells how large the partitions are and how much room the data directory's
// volume has. There is one directory. Null asks for all topics; an empty list for
// the directory alone. What is named and does not exist is left out, as in Kafka.
//
//	v0-v1  sizes by directory, topic and partition
//	v2     flexible
//	v3     top-level error code
//	v4     total and usable bytes of the volume, -1 when it does not tell
//	v5     whether the directory is cordoned (KIP-1066); it never is
//
// Left out: replicas that are moving between directories (is_future).

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
)

var describeLogDirs = now(kmsg.DescribeLogDirs, 0, 5, (*API).describeLogDirs).needs(need{auth.Describe, auth.Cluster})

// unknownVolumeBytes is what Kafka says of a volume that does not tell its size.
const unknownVolumeBytes = -1

func (a *API) describeLogDirs(r *Request, q *kmsg.DescribeLogDirsRequest) *kmsg.DescribeLogDirsResponse {
	p := q.ResponseKind().(*kmsg.DescribeLogDirsResponse)
	if !a.mayCluster(r, auth.Describe) {
		p.ErrorCode = errClusterDenied.Code // from v3; before it there is nothing, and no error
		return p
	}
	a.wait(r)
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir = a.Config().LogDirs[0]
	dir.TotalBytes, dir.UsableBytes = unknownVolumeBytes, unknownVolumeBytes
	if a.Volume != nil {
		if free, total, err := a.Volume(); err == nil {
			dir.TotalBytes, dir.UsableBytes = int64(total), int64(free)
		}
	}
	image := a.Metadata.Image()
	if q.Topics == nil {
		for t := range image.Topics() {
			dir.Topics = a.appendSizes(dir.Topics, t, nil)
		}
	} else {
		asked := make(map[topicPartition]bool)
		for _, t := range q.Topics {
			for _, index := range t.Partitions {
				asked[topicPartition{t.Topic, index}] = true
			}
		}
		told := make(map[string]bool, len(q.Topics))
		for _, named := range q.Topics {
			if t := image.Topic(named.Topic); t != nil && !told[t.Name] {
				told[t.Name] = true
				dir.Topics = a.appendSizes(dir.Topics, t, func(index int32) bool { return asked[topicPartition{t.Name, index}] })
			}
		}
	}
	p.Dirs = append(p.Dirs, dir)
	return p
}

// appendSizes adds the sizes of a topic's partitions, of those that wanted names
// unless it is nil, and nothing when there are none.
func (a *API) appendSizes(to []kmsg.DescribeLogDirsResponseDirTopic, t *metadata.Topic, wanted func(index int32) bool) []kmsg.DescribeLogDirsResponseDirTopic {
	one := kmsg.NewDescribeLogDirsResponseDirTopic()
	one.Topic = t.Name
	for i := range t.Partitions {
		index := t.Partitions[i].Index
		if wanted != nil && !wanted(index) {
			continue
		}
		size := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		size.Partition, size.Size = index, 0
		if used := a.Partitions.Used(t.ID, index); used != nil {
			size.Size = used.Log().SizeBytes()
		}
		one.Partitions = append(one.Partitions, size)
	}
	if len(one.Partitions) == 0 {
		return to
	}
	return append(to, one)
}
