package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

func clusterVerbs() []verb {
	return []verb{
		{noun: "cluster", name: "info", about: "id, brokers, how many topics", run: clusterInfo, prints: Cluster{}},
		{noun: "cluster", name: "health", about: "exit with status 0 when every partition has its leader and its replicas", run: clusterHealth, prints: Health{}},
	}
}

// metadata of the whole cluster.
func (c *call) metadata() (kadm.Metadata, error) {
	if err := c.need(0, 0, ""); err != nil {
		return kadm.Metadata{}, err
	}
	admin, err := c.admin()
	if err != nil {
		return kadm.Metadata{}, err
	}
	return admin.Metadata(c.ctx)
}

func clusterInfo(c *call) error {
	metadata, err := c.metadata()
	if err != nil {
		return err
	}
	info := Cluster{ID: metadata.Cluster, Controller: metadata.Controller, Brokers: []Broker{}}
	for _, topic := range metadata.Topics {
		if !topic.IsInternal {
			info.Topics++
			info.Partitions += len(topic.Partitions)
		}
	}
	for _, b := range metadata.Brokers {
		info.Brokers = append(info.Brokers, Broker{b.NodeID, b.Host, b.Port, message(b.Rack)})
	}
	return c.show(info, func(w io.Writer) {
		row(w, "Cluster", info.ID)
		row(w, "Topics", fmt.Sprintf("%d with %d partitions", info.Topics, info.Partitions))
		row(w)
		row(w, "BROKER", "ADDRESS", "RACK", "CONTROLLER")
		for _, b := range info.Brokers {
			is := ""
			if b.ID == info.Controller {
				is = "yes"
			}
			row(w, b.ID, fmt.Sprintf("%s:%d", b.Host, b.Port), b.Rack, is)
		}
	})
}

func clusterHealth(c *call) error {
	metadata, err := c.metadata()
	if err != nil {
		return err
	}
	health := Health{Brokers: len(metadata.Brokers), Leaderless: []string{}, UnderReplicated: []string{}}
	for _, topic := range metadata.Topics.Sorted() {
		for _, p := range topic.Partitions.Sorted() {
			name := fmt.Sprintf("%s-%d", topic.Topic, p.Partition)
			if p.Leader < 0 {
				health.Leaderless = append(health.Leaderless, name)
			}
			if len(p.ISR) < len(p.Replicas) {
				health.UnderReplicated = append(health.UnderReplicated, name)
			}
		}
	}
	health.Healthy = health.Brokers > 0 && len(health.Leaderless) == 0 && len(health.UnderReplicated) == 0
	err = c.show(health, func(w io.Writer) {
		row(w, "Healthy", health.Healthy)
		row(w, "Brokers", health.Brokers)
		row(w, "Leaderless partitions", namesOrNone(health.Leaderless))
		row(w, "Under-replicated partitions", namesOrNone(health.UnderReplicated))
	})
	if err == nil && !health.Healthy {
		return errors.New("the cluster is not healthy")
	}
	return err
}

func namesOrNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
