package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// quorumFile is Kafka's record of the newest quorum epoch, in the folder of the
// metadata log.
const quorumFile = "quorum-state"

// quorumState is the content of quorum-state: data version 0 goes with
// kraft.version 0 and names the voters, data version 1 leaves them to the log.
type quorumState struct {
	epoch  protocol.Epoch
	voters []int32 // data version 0 only
}

// The two forms of the file, with the fields in Kafka's order.
type (
	quorumStateV0 struct {
		ClusterID     string        `json:"clusterId"`
		LeaderID      int32         `json:"leaderId"`
		LeaderEpoch   int32         `json:"leaderEpoch"`
		VotedID       int32         `json:"votedId"`
		AppliedOffset int64         `json:"appliedOffset"`
		CurrentVoters []quorumVoter `json:"currentVoters"`
		DataVersion   int           `json:"data_version"`
	}
	quorumVoter struct {
		VoterID int32 `json:"voterId"`
	}
	quorumStateV1 struct {
		LeaderID         int32  `json:"leaderId"`
		LeaderEpoch      int32  `json:"leaderEpoch"`
		VotedID          int32  `json:"votedId"`
		VotedDirectoryID string `json:"votedDirectoryId"`
		DataVersion      int    `json:"data_version"`
	}
)

// readQuorumState reads the file; nil when there is none.
func readQuorumState(fsys vfs.FS, dir string) (*quorumState, error) {
	name := path.Join(dir, quorumFile)
	data, err := vfs.ReadFile(fsys, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var content struct {
		LeaderEpoch   *protocol.Epoch `json:"leaderEpoch"`
		DataVersion   *int            `json:"data_version"`
		CurrentVoters []quorumVoter   `json:"currentVoters"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, &CorruptError{File: name, Offset: -1, Reason: "it is not the JSON that it should be", Err: err}
	}
	if content.LeaderEpoch == nil || content.DataVersion == nil {
		return nil, &CorruptError{File: name, Offset: -1, Reason: "leaderEpoch or data_version is missing"}
	}
	if v := *content.DataVersion; v < 0 || v > 1 {
		return nil, &UnsupportedError{File: name, Offset: -1, Reason: fmt.Sprintf("data_version %d; a newer version wrote it", v)}
	}
	q := &quorumState{epoch: *content.LeaderEpoch}
	for _, v := range content.CurrentVoters {
		q.voters = append(q.voters, v.VoterID)
	}
	return q, nil
}

// CheckFolder looks at what of a metadata folder can be judged without its log.
func CheckFolder(fsys vfs.FS, dir string, node int32) error {
	q, err := readQuorumState(fsys, dir)
	if err == nil && q.hasOtherVoters(node) {
		err = q.refuse(dir, node)
	}
	return err
}

func (q *quorumState) hasOtherVoters(node int32) bool {
	return q != nil && slices.ContainsFunc(q.voters, func(id int32) bool { return id != node })
}

func (q *quorumState) refuse(dir string, node int32) error {
	return &UnsupportedError{File: dir, Offset: -1, Reason: fmt.Sprintf("%s names the voters %v, but this is node %d alone", quorumFile, q.voters, node)}
}

// writeQuorumState says that the node leads under the epoch.
func writeQuorumState(fsys vfs.FS, dir string, node int32, epoch protocol.Epoch, kraftVersion int16) error {
	var content any = quorumStateV0{
		LeaderID: node, LeaderEpoch: int32(epoch), VotedID: -1, CurrentVoters: []quorumVoter{{node}},
	}
	if kraftVersion > 0 {
		content = quorumStateV1{
			LeaderID: node, LeaderEpoch: int32(epoch), VotedID: -1,
			VotedDirectoryID: protocol.UUID{}.String(), DataVersion: 1,
		}
	}
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := vfs.ReplaceFile(fsys, path.Join(dir, quorumFile), data, true); err != nil {
		return fmt.Errorf("write %s: %w", path.Join(dir, quorumFile), err)
	}
	return nil
}

// checkAlone refuses the folder of a node that shares its metadata with others:
// without their votes we could contradict what they have agreed on.
func (rec *recovery) checkAlone(node int32, directory protocol.UUID) error {
	refuse := func(format string, args ...any) error {
		return &UnsupportedError{File: rec.dir, Offset: -1, Reason: fmt.Sprintf(format, args...)}
	}
	if rec.quorum.hasOtherVoters(node) {
		return rec.quorum.refuse(rec.dir, node)
	}
	if l := rec.leader; l != nil && slices.ContainsFunc(l.voters, func(id int32) bool { return id != node }) {
		return refuse("the newest leader was elected by the voters %v, but this is node %d alone", l.voters, node)
	}
	if rec.img.voters != nil {
		var set voters
		if err := decodeControl(rec.img.voters, set.walk); err != nil {
			return &CorruptError{File: rec.dir, Offset: -1, Reason: "the voters cannot be read", Err: err}
		}
		if len(set.list) != 1 || set.list[0].id != node || set.list[0].directory != directory {
			return refuse("the log names %d voters, not just node %d with directory %s", len(set.list), node, directory)
		}
	}
	for _, b := range rec.img.brokers {
		if b.ID != node {
			return refuse("broker %d is registered, but this is node %d alone", b.ID, node)
		}
	}
	for _, c := range rec.img.controllers {
		if c.ID != node {
			return refuse("controller %d is registered, but this is node %d alone", c.ID, node)
		}
	}
	return nil
}
