package api

// AlterReplicaLogDirs (key 34), versions 0 to 2.
//
// Moves replicas to another data directory. There is one directory: a replica is
// there already, which is a success, and any other directory is
// LOG_DIR_NOT_FOUND. The order of the checks is that of Kafka's ReplicaManager. A
// partition that is named twice is answered once, for the directory named last.
//
//	v0-v1  directories with partitions
//	v2     flexible

import (
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var alterReplicaLogDirs = bounded(kmsg.AlterReplicaLogDirs, 0, 2, func(q *kmsg.AlterReplicaLogDirsRequest) int {
	return sum(q.Dirs, func(dir *kmsg.AlterReplicaLogDirsRequestDir) int {
		return sum(dir.Topics, func(t *kmsg.AlterReplicaLogDirsRequestDirTopic) int { return len(t.Partitions) })
	})
}, (*API).alterReplicaLogDirs).onCluster(auth.Alter)

// movableNameMax is the longest topic name whose folder can have a second one beside
// it while it moves: a file name has 255 bytes, and "-0.<32 digits>-future" is appended.
const movableNameMax = 255 - len("-.0123456789abcdef0123456789abcdef-future")

func (a *API) alterReplicaLogDirs(_ *Request, q *kmsg.AlterReplicaLogDirsRequest) *kmsg.AlterReplicaLogDirsResponse {
	p := q.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	image := a.Metadata.Image()
	ours, err := filepath.Abs(a.Config().LogDirs[0])
	if err != nil {
		ours = a.Config().LogDirs[0]
	}
	at := make(map[string]int)
	places := make(map[topicPartition]int) // of the partitions in their topic's answer
	for _, dir := range q.Dirs {
		for _, t := range dir.Topics {
			if len(t.Partitions) == 0 {
				continue
			}
			i, known := at[t.Topic]
			if !known {
				i = len(p.Topics)
				at[t.Topic] = i
				one := kmsg.NewAlterReplicaLogDirsResponseTopic()
				one.Topic = t.Topic
				p.Topics = append(p.Topics, one)
			}
			for _, index := range t.Partitions {
				key := topicPartition{t.Topic, index}
				place, again := places[key]
				if !again {
					place = len(p.Topics[i].Partitions)
					places[key] = place
					one := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
					one.Partition = index
					p.Topics[i].Partitions = append(p.Topics[i].Partitions, one)
				}
				p.Topics[i].Partitions[place].ErrorCode = codeOf(a.moveReplica(image, t.Topic, index, dir.Dir == ours))
			}
		}
	}
	return p
}

// moveReplica tells what speaks against a move to a directory, which is the one
// that there is or none.
func (a *API) moveReplica(image *metadata.Image, topic string, index int32, toOurs bool) error {
	if len(topic)+digits(index) > movableNameMax {
		return protocol.ErrInvalidTopicException
	}
	if !toOurs {
		return protocol.ErrLogDirNotFound
	}
	p, err := a.partition(image.Topic(topic), index)
	if err != nil {
		return err
	}
	return p.Ready()
}

// digits is the length of a number in decimals.
func digits(n int32) int {
	length := 1
	if n < 0 {
		length++
	}
	for ; n > 9 || n < -9; n /= 10 {
		length++
	}
	return length
}
