package broker_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/broker"
)

// A broker on a free port, in memory, with a topic.
func ExampleStart() {
	b, err := broker.Start(context.Background(), broker.WithTopic("orders", 3))
	if err != nil {
		log.Fatal(err)
	}
	defer b.Stop()

	// Any Kafka client can use b.Bootstrap() now.
	host, _, err := net.SplitHostPort(b.Bootstrap())
	fmt.Println(host, err)
	// Output: 127.0.0.1 <nil>
}

// What a client meets that the broker does not want to hear.
func ExampleBroker_Fault() {
	b, err := broker.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Stop()
	f, err := b.Fault(broker.Rule{APIs: []string{"Metadata"}, Drop: broker.DropBefore, Times: 1})
	if err != nil {
		log.Fatal(err)
	}

	askForMetadata(b.Bootstrap()) // the application under test

	if err := f.Wait(context.Background(), 1); err != nil {
		log.Fatal(err)
	}
	fmt.Println("dropped connections:", f.Count())
	// Output: dropped connections: 1
}

// One broker for all tests, and a clean one for each.
func ExampleBroker_Reset() {
	b, err := broker.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Stop()
	for _, test := range []string{"first", "second"} {
		if err := b.Reset(context.Background()); err != nil {
			log.Fatal(err)
		}
		fmt.Println(test, "test")
	}
	// Output:
	// first test
	// second test
}

func askForMetadata(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrMetadataRequest(), 1)); err != nil {
		log.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 1)) // an answer or the end
}
