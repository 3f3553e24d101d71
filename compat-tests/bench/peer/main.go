// Command peer is kfake, the in-memory broker of franz-go, on disk or in its usual mode:
// the best Go peer that the benchmarks compare with. It says on its first line of output
// that it serves.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

// settings are those of Barnabas in profile dev that kfake knows: members of a consumer
// group hear of an assignment as soon.
var settings = map[string]string{"group.consumer.heartbeat.interval.ms": "1000"}

func main() {
	port := flag.Int("port", 0, "port to listen on")
	data := flag.String("data", "", "data folder")
	memory := flag.Bool("memory", false, "keep everything in memory instead")
	durable := flag.Bool("sync", false, "fsync every batch")
	flag.Parse()
	if err := run(*port, *data, *durable, *memory); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(port int, data string, durable, memory bool) error {
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port), kfake.AllowAutoTopicCreation(), kfake.BrokerConfigs(settings)}
	if !memory {
		options = append(options, kfake.DataDir(data))
	}
	if durable {
		options = append(options, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Println("ready")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return nil
}
