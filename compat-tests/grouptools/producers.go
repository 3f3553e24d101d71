package grouptools

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// transactional is the attribute of a batch in a transaction.
const transactional = 1 << 4

// settleLimit bounds what a broker does by itself in a moment.
const settleLimit = 30 * time.Second

// producers speak to a broker in raw requests, of the first version of
// transactions: each partition is added by a request of its own.
type producers struct {
	*testing.T
	conn *wire.Conn
	all  map[string]*producer
}

// producer is one of them, by its name; its transactional id is the name as well, but of one that hangs.
type producer struct {
	id       int64
	epoch    int16
	sequence map[string]int32
}

func newProducers(t *testing.T, bootstrap string) *producers {
	t.Helper()
	conn, err := wire.Dial(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the answers have been read
	return &producers{T: t, conn: conn, all: map[string]*producer{}}
}

// settled repeats a request while the broker says that it is not ready. Any error but want fails the test.
func (p *producers) settled(request kmsg.Request, code func(kmsg.Response) int16, want error) kmsg.Response {
	p.Helper()
	for end := time.Now().Add(settleLimit); ; {
		response, err := p.conn.Call(request)
		if err != nil {
			p.Fatal(err)
		}
		switch got := kerr.ErrorForCode(code(response)); got {
		case want:
			return response
		case kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator:
			if time.Now().After(end) {
				p.Fatalf("%s: still %v after %v", kmsg.NameForKey(request.Key()), got, settleLimit)
			}
		default:
			p.Fatalf("%s is answered with %v, want %v", kmsg.NameForKey(request.Key()), got, want)
		}
	}
}

// init gives a producer its id, and a new epoch if it had one.
func (p *producers) init(name string) {
	p.Helper()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version, find.CoordinatorType, find.CoordinatorKey = 3, 1, name
	p.settled(find, func(r kmsg.Response) int16 { return r.(*kmsg.FindCoordinatorResponse).ErrorCode }, nil)
	p.begin(name, &name)
}

func (p *producers) begin(name string, transactionalID *string) {
	p.Helper()
	request := kmsg.NewPtrInitProducerIDRequest()
	request.Version, request.TransactionalID, request.TransactionTimeoutMillis = 4, transactionalID, 60_000
	request.ProducerID, request.ProducerEpoch = -1, -1
	response := p.settled(request, func(r kmsg.Response) int16 { return r.(*kmsg.InitProducerIDResponse).ErrorCode }, nil).(*kmsg.InitProducerIDResponse)
	p.all[name] = &producer{response.ProducerID, response.ProducerEpoch, map[string]int32{}}
}

// add adds partitions to the transaction of a producer.
func (p *producers) add(name, topic string, partitions ...int32) {
	p.Helper()
	request := kmsg.NewPtrAddPartitionsToTxnRequest()
	request.Version, request.TransactionalID = 3, name
	request.ProducerID, request.ProducerEpoch = p.all[name].id, p.all[name].epoch
	t := kmsg.NewAddPartitionsToTxnRequestTopic()
	t.Topic, t.Partitions = topic, partitions
	request.Topics = append(request.Topics, t)
	p.settled(request, func(r kmsg.Response) int16 {
		for _, partition := range r.(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions {
			if partition.ErrorCode != 0 {
				return partition.ErrorCode
			}
		}
		return 0
	}, nil)
}

// produce stores some records in a transaction, with a date long ago.
func (p *producers) produce(name, topic string, partition int32, count int) {
	p.Helper()
	from, place := p.all[name], topic+strconv.Itoa(int(partition))
	batch := wire.NewBatch(day(1).UnixMilli(), make([]wire.Record, count)...)
	batch.Attributes, batch.ProducerID, batch.ProducerEpoch, batch.BaseSequence = transactional, from.id, from.epoch, from.sequence[place]
	from.sequence[place] += int32(count)
	request := kmsg.NewPtrProduceRequest()
	request.Version, request.Acks, request.TimeoutMillis, request.TransactionID = 11, -1, 10_000, &name
	t, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = partition, batch.Encode()
	t.Topic, t.Partitions = topic, append(t.Partitions, part)
	request.Topics = append(request.Topics, t)
	p.settled(request, func(r kmsg.Response) int16 { return r.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode }, nil)
}

// end ends the transaction of a producer and waits until it is complete.
func (p *producers) end(name string, commit bool) {
	p.Helper()
	p.ended(name, commit, nil)
	request := kmsg.NewPtrDescribeTransactionsRequest()
	request.TransactionalIDs = []string{name}
	for end := time.Now().Add(settleLimit); ; {
		response, err := p.conn.Call(request)
		if err != nil {
			p.Fatal(err)
		}
		state := response.(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State
		if strings.HasPrefix(state, "Complete") {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("the transaction of %s is %s after %v", name, state, settleLimit)
		}
	}
}

// ended asks for the end of a transaction and wants an answer.
func (p *producers) ended(name string, commit bool, want error) {
	p.Helper()
	request := kmsg.NewPtrEndTxnRequest()
	request.Version, request.TransactionalID, request.Commit = 3, name, commit
	request.ProducerID, request.ProducerEpoch = p.all[name].id, p.all[name].epoch
	p.settled(request, func(r kmsg.Response) int16 { return r.(*kmsg.EndTxnResponse).ErrorCode }, want)
}

// hang leaves a transaction in a partition that no coordinator knows of.
func (p *producers) hang(name, topic string, partition int32, count int) {
	p.Helper()
	p.begin(name, nil)
	p.produce(name, topic, partition, count)
}

// moments are the columns of tables that hold times of the broker's clock.
var moments = map[string]bool{"CurrentTransactionStartTimeMs": true, "TransactionDurationMs": true, "Duration(min)": true}

var digits = regexp.MustCompile(`^\d+$`)

// name gives producers in tables their names in place of their ids, and takes
// out times but those of records, and the widths of columns with them.
func (p *producers) name(text string) string {
	names := map[string]string{}
	for name, one := range p.all {
		names[strconv.FormatInt(one.id, 10)] = name
	}
	var columns []string
	var out strings.Builder
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if strings.Contains(line, "ProducerId") {
			columns = fields
		}
		if columns == nil {
			out.WriteString(line)
			continue
		}
		for i, field := range fields {
			switch {
			case i >= len(columns) || !digits.MatchString(field):
			case columns[i] == "ProducerId" && names[field] != "":
				fields[i] = "<" + names[field] + ">"
			case columns[i] == "ProducerId":
				fields[i] = "<other>" // the tool had the broker give it one
			case moments[columns[i]], columns[i] == "LastTimestamp" && field != strconv.FormatInt(day(1).UnixMilli(), 10):
				fields[i] = "<time>" // of a marker, if not of a record
			}
		}
		out.WriteString(strings.Join(fields, " ") + "\n")
	}
	return out.String()
}
