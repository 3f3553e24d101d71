package metadata

import (
	"context"
	"sync"

	"github.com/barnabas-mq/barnabas/protocol"
)

// ProducerIDs hands out producer ids that nobody had before. Ids come in blocks that
// the metadata promises to this process, so that after a restart the rest of a
// block is skipped and none is handed out twice. Methods are safe for concurrent use.
type ProducerIDs struct {
	fetch func() (ProducerIDBlock, error)

	mu struct {
		sync.Mutex // held while the next block is fetched: the others need it too
		next, end  protocol.ProducerID
	}
}

// NewProducerIDs hands out ids of the blocks that fetch brings.
func NewProducerIDs(fetch func() (ProducerIDBlock, error)) *ProducerIDs {
	return &ProducerIDs{fetch: fetch}
}

// FetchProducerIDs brings a block for a node.
func (s *Store) FetchProducerIDs(node int32) (block ProducerIDBlock, err error) {
	_, err = s.Propose(context.Background(), func(image *Image) (records []Record, err error) {
		records, block, err = NextProducerIDBlock(image, node, s.BrokerEpoch())
		return records, err
	})
	return block, err
}

// Next gives the next id. It takes a commit of the metadata once per block.
func (p *ProducerIDs) Next() (protocol.ProducerID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.next == p.mu.end {
		block, err := p.fetch()
		if err != nil {
			return 0, err
		}
		p.mu.next, p.mu.end = block.First, block.First+protocol.ProducerID(block.Count)
	}
	id := p.mu.next
	p.mu.next++
	return id, nil
}
