// Command rdkafka loads a broker by librdkafka, the C client under the clients of
// Python, .NET, Rust and others: "rdkafka produce" sends -n values of -size bytes to
// -topic, "rdkafka consume" reads that many. It prints how many nanoseconds that
// took, without its own start. What arrived is checked by who runs it.
//
// It is a module of its own because it needs a C compiler, which nothing else here
// does; the benchmark builds it when there is one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// patience bounds a wait for the broker.
const patience = 5 * time.Minute

type load struct {
	bootstrap, topic string
	count, size      int
}

func main() {
	var l load
	flag.StringVar(&l.bootstrap, "bootstrap", "", "address of the broker, HOST:PORT")
	flag.StringVar(&l.topic, "topic", "", "topic, which exists")
	flag.IntVar(&l.count, "n", 0, "records")
	flag.IntVar(&l.size, "size", 1024, "bytes of a value")
	flag.Parse()
	if err := l.run(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "rdkafka:", err)
		os.Exit(1)
	}
}

func (l load) run(what string) error {
	do := l.consume
	switch what {
	case "produce":
		do = l.produce
	case "consume":
	default:
		return fmt.Errorf("%q is neither produce nor consume", what)
	}
	took, err := do()
	if err == nil {
		fmt.Println(took.Nanoseconds())
	}
	return err
}

// produce sends as an application would that wants throughput: idempotent, and
// with room for what is not sent yet. Reports of single deliveries would cost more
// than the broker does.
func (l load) produce() (time.Duration, error) {
	producer, err := kafka.NewProducer(&kafka.ConfigMap{
		"bootstrap.servers": l.bootstrap, "enable.idempotence": true, "linger.ms": 5, "enable.metrics.push": false,
		"queue.buffering.max.messages": 1_000_000, "queue.buffering.max.kbytes": 250 << 10, "go.delivery.reports": false,
	})
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	if _, err := producer.GetMetadata(&l.topic, false, int(patience.Milliseconds())); err != nil {
		return 0, err
	}
	value := make([]byte, l.size)
	for i := range value {
		value[i] = byte(i * 31)
	}
	began := time.Now()
	for i := 0; i < l.count; {
		err := producer.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &l.topic, Partition: kafka.PartitionAny}, Value: value}, nil)
		var failure kafka.Error
		switch {
		case err == nil:
			i++
		case errors.As(err, &failure) && failure.Code() == kafka.ErrQueueFull:
			producer.Flush(10)
		default:
			return 0, err
		}
	}
	if left := producer.Flush(int(patience.Milliseconds())); left > 0 {
		return 0, fmt.Errorf("%d records are not delivered after %v", left, patience)
	}
	return time.Since(began), nil
}

// consume reads every partition from its start.
func (l load) consume() (time.Duration, error) {
	consumer, err := kafka.NewConsumer(&kafka.ConfigMap{
		"bootstrap.servers": l.bootstrap, "group.id": "rdkafka", "enable.auto.commit": false, "enable.metrics.push": false,
	})
	if err != nil {
		return 0, err
	}
	defer consumer.Close() //nolint:errcheck // nothing is committed
	metadata, err := consumer.GetMetadata(&l.topic, false, int(patience.Milliseconds()))
	if err != nil {
		return 0, err
	}
	var all []kafka.TopicPartition
	for _, p := range metadata.Topics[l.topic].Partitions {
		all = append(all, kafka.TopicPartition{Topic: &l.topic, Partition: p.ID, Offset: kafka.OffsetBeginning})
	}
	began := time.Now()
	if err := consumer.Assign(all); err != nil {
		return 0, err
	}
	for got := 0; got < l.count; {
		switch event := consumer.Poll(1000).(type) {
		case *kafka.Message:
			got++
		case kafka.Error:
			return 0, fmt.Errorf("after %d of %d records: %w", got, l.count, event)
		case nil:
			if time.Since(began) > patience {
				return 0, fmt.Errorf("%d of %d records after %v", got, l.count, patience)
			}
		}
	}
	return time.Since(began), nil
}
