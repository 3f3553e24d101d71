package testbed

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// given are the ports that FreePorts has given in this process. They are not given again: a
// broker of a test that runs beside may just be down.
var given struct {
	sync.Mutex
	ports map[int]bool
}

// FreePorts finds n different loopback ports that nothing listens on.
func FreePorts(n int) ([]int, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = make(map[int]bool)
	}
	var ports []int
	for len(ports) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // held until all are chosen, so that another is found each time
		if port := l.Addr().(*net.TCPAddr).Port; !given.ports[port] {
			given.ports[port] = true
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// WaitForMetadata returns when the broker names itself in an answer to a
// Metadata request: from then on clients can work. It gives up when the process
// ends or the time is over.
func WaitForMetadata(p *Process, address string, timeout, interval time.Duration) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var last error
	for {
		if last = AskMetadata(address); last == nil {
			return nil
		}
		select {
		case <-p.Done():
			return fmt.Errorf("the process ended while starting: %v", p.Err())
		case <-deadline.C:
			return fmt.Errorf("no broker in Metadata within %v: %w", timeout, last)
		case <-tick.C:
		}
	}
}

// AskMetadata asks once; it fails while the broker names no broker.
func AskMetadata(address string) error {
	conn, err := wire.Dial(address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 1
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := conn.Call(req)
	if err != nil {
		return err
	}
	if len(resp.(*kmsg.MetadataResponse).Brokers) == 0 {
		return fmt.Errorf("no brokers yet")
	}
	return nil
}
