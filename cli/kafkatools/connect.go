package kafkatools

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/barnabas-mq/barnabas/config"
)

// patience is how long a tool waits for a broker: default.api.timeout.ms of Java's clients.
// Start scripts count on it, which call a tool while the broker starts.
const patience = 60 * time.Second

// answerPatience is how long one answer may take, beyond the time that the request itself gives the broker.
const answerPatience = 10 * time.Second

// retryPause between two attempts is Java's largest retry.backoff.ms.
const retryPause = 200 * time.Millisecond

// properties are settings of a client, by Kafka's names.
type properties map[string]string

// readProperties reads a file of settings; no file is no settings.
func readProperties(file string) (properties, error) {
	p := properties{}
	if file == "" {
		return p, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, says("%s", file) // what NoSuchFileException says
	}
	entries, err := config.ParseProperties(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, entry := range entries {
		p[entry.Name] = entry.Value
	}
	return p, nil
}

func (p properties) with(more properties) properties {
	all := properties{}
	for _, part := range []properties{p, more} {
		for key, value := range part {
			all[key] = value
		}
	}
	return all
}

func (p properties) milliseconds(key string, without time.Duration) time.Duration {
	n, err := strconv.ParseInt(strings.TrimSpace(p[key]), 10, 64)
	if err != nil {
		return without
	}
	return time.Duration(n) * time.Millisecond
}

func (p properties) isTrue(key string) bool {
	return strings.EqualFold(strings.TrimSpace(p[key]), "true")
}

// servers checks a list of addresses as ClientUtils.parseAndValidateAddresses does.
func servers(bootstrap string) ([]string, error) {
	var addresses []string
	if strings.TrimSpace(bootstrap) == "" {
		return nil, says("No bootstrap urls given in bootstrap.servers")
	}
	for address := range strings.SplitSeq(bootstrap, ",") {
		address = strings.TrimSpace(address)
		if _, after, hasScheme := strings.Cut(address, "://"); hasScheme {
			address = after
		}
		if address == "" {
			return nil, says("Configuration 'bootstrap.servers' values must not be empty.")
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil || host == "" || port == "" {
			return nil, &addressError{address}
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// addressError is an address of a broker that is none.
type addressError struct{ address string }

func (e *addressError) Error() string { return "Invalid url in bootstrap.servers: " + e.address }

// adminOf makes the client that a tool's options speak of.
func (t *tool) adminOf(got *parsed, bootstrap string) (*kgo.Client, error) {
	settings, err := readProperties(first(got.values("command-config")))
	if err != nil {
		return nil, err
	}
	return t.connectAdmin(bootstrap, settings)
}

// connectAdmin makes a client that fails as Java's admin client does, which keeps to itself what it dislikes.
func (t *tool) connectAdmin(bootstrap string, p properties) (*kgo.Client, error) {
	whole, one := p.milliseconds("default.api.timeout.ms", patience), p.milliseconds("request.timeout.ms", patience/2)
	client, err := t.connect(bootstrap, p)
	if errors.As(err, new(*addressError)) || err == nil && whole < one {
		if client != nil {
			client.Close()
		}
		return nil, says("Failed to create new KafkaAdminClient")
	}
	return client, err
}

// securityProtocols in the order in which Kafka's HashSet lists them.
var securityProtocols = []string{"SASL_SSL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT"}

// security is what security.protocol asks for: encryption, nil for none, and a login, nil
// for none.
func (p properties) security() (encryption *tls.Config, login sasl.Mechanism, err error) {
	protocol := strings.ToUpper(strings.TrimSpace(p["security.protocol"]))
	if protocol == "" {
		protocol = "PLAINTEXT"
	}
	if !slices.Contains(securityProtocols, protocol) {
		return nil, nil, says("Invalid value %s for configuration security.protocol: String must be one of (case insensitive): %s",
			p["security.protocol"], strings.Join(securityProtocols, ", "))
	}
	if strings.HasSuffix(protocol, "SSL") {
		encryption, err = p.secured()
	}
	if err == nil && strings.HasPrefix(protocol, "SASL_") {
		login, err = p.login()
	}
	return encryption, login, err
}

// connect makes a client; nothing is sent yet.
func (t *tool) connect(bootstrap string, p properties, more ...kgo.Opt) (*kgo.Client, error) {
	encryption, login, err := p.security()
	if err != nil {
		return nil, err
	}
	if login != nil {
		more = append(more, kgo.SASL(login))
	}
	seeds, err := servers(bootstrap)
	if err != nil {
		return nil, err
	}
	limit := p.milliseconds("default.api.timeout.ms", patience)
	id := p["client.id"]
	if id == "" {
		id = t.name
	}
	d := &dialer{tool: t, seeds: seeds, until: t.now().Add(limit), encryption: encryption}
	options := []kgo.Opt{
		kgo.SeedBrokers(seeds...), kgo.ClientID(id), kgo.DisableClientMetrics(),
		kgo.RetryTimeout(limit), kgo.RequestRetries(int(limit/retryPause) + 1),
		kgo.RequestTimeoutOverhead(max(100*time.Millisecond, min(limit, answerPatience))),
		kgo.AlwaysRetryEOF(), // a published port of a container accepts and closes before the broker listens
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPause }),
		kgo.Dialer(d.dial), kgo.WithLogger(d), kgo.WithHooks(d),
	}
	return kgo.NewClient(append(options, more...)...)
}

// dialer waits for the first broker: the client would give up as soon as nobody listens.
type dialer struct {
	*tool
	seeds      []string
	until      time.Time
	encryption *tls.Config // nil: plaintext

	mu sync.Mutex
	// met: there was a broker; from then on addresses are those that it told of.
	met bool

	warned sync.Once
	// answered: a broker has sent an answer, on any connection.
	answered atomic.Bool
}

// dialTimeout is Java's socket.connection.setup.timeout.ms.
const dialTimeout = 10 * time.Second

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	addresses := []string{address}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.met {
		addresses = append(addresses, d.seeds...)
	}
	for {
		var failed error
		for _, address := range addresses {
			c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
			if err == nil && d.encryption != nil {
				d.met = true // to wait does not mend what a handshake finds
				if c, err = shake(ctx, c, address, d.encryption); err != nil {
					d.warn("The TLS handshake with %s failed: %v", address, err)
					return nil, err
				}
			}
			if err == nil {
				d.met = true
				return c, nil
			}
			d.warn("Connection to %s could not be established. Node may not be available.", address)
			failed = err
		}
		if d.met || d.now().After(d.until) {
			return nil, failed
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, failed
		}
	}
}

// warn tells on standard error, as Java's log does, why it takes so long; once is enough.
func (d *dialer) warn(format string, args ...any) {
	d.warned.Do(func() {
		fmt.Fprintf(d.errOut, "[%s] WARN %s\n", d.now().Format("2006-01-02 15:04:05,000"), fmt.Sprintf(format, args...))
	})
}

// Level makes the dialer the client's logger, for what goes wrong.
func (d *dialer) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log tells why a connection that was made is of no use: no broker, or one that wants TLS.
func (d *dialer) Log(_ kgo.LogLevel, message string, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "err" {
			d.warn("%s: %v", message, pairs[i+1])
		}
	}
}

// OnBrokerE2E tells of a connection that fails before a broker ever answered on any. The client's log
// tells of one that ends in order, and why that may be; not of a reset, which is what a port that
// accepts for a later broker sends to whom it leaves unread.
func (d *dialer) OnBrokerE2E(broker kgo.BrokerMetadata, _ int16, exchange kgo.BrokerE2E) {
	switch err := exchange.Err(); {
	case err == nil:
		d.answered.Store(true)
	case d.answered.Load() || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled):
	default:
		d.warn("Connection to %s ended before an answer: %v", net.JoinHostPort(broker.Host, strconv.Itoa(int(broker.Port))), err)
	}
}

// refusal is an error code from a broker, with its message.
type refusal struct {
	code *kerr.Error
	text string
}

func (r *refusal) Error() string { return r.text }

// exception is what Java's ExecutionException says of it: the class, then the message.
func (r *refusal) exception() string { return className(r.code) + ": " + r.text }

// refused turns an error code into an error; the text is the broker's, or else the code's.
func refused(code int16, message *string) error {
	if code == 0 {
		return nil
	}
	var known *kerr.Error
	if !errors.As(kerr.ErrorForCode(code), &known) {
		known = kerr.UnknownServerError
	}
	r := &refusal{code: known, text: known.Description}
	if message != nil && *message != "" {
		r.text = *message
	}
	return r
}

// isCode tells whether an error is this code of a broker's.
func isCode(err error, code *kerr.Error) bool {
	var r *refusal
	return errors.As(err, &r) && r.code.Code == code.Code
}

// exceptions are the classes of org.apache.kafka.common.errors that are not named as their codes are (Errors.java).
var exceptions = map[string]string{
	"UNKNOWN_SERVER_ERROR": "UnknownServerException", "CORRUPT_MESSAGE": "CorruptRecordException", "REQUEST_TIMED_OUT": "TimeoutException",
	"MESSAGE_TOO_LARGE": "RecordTooLargeException", "STALE_CONTROLLER_EPOCH": "ControllerMovedException", "OFFSET_METADATA_TOO_LARGE": "OffsetMetadataTooLarge",
	"NETWORK_EXCEPTION": "NetworkException", "INVALID_TOPIC_EXCEPTION": "InvalidTopicException", "RECORD_LIST_TOO_LARGE": "RecordBatchTooLargeException",
	"TOPIC_AUTHORIZATION_FAILED": "TopicAuthorizationException", "GROUP_AUTHORIZATION_FAILED": "GroupAuthorizationException",
	"CLUSTER_AUTHORIZATION_FAILED": "ClusterAuthorizationException", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "TransactionalIdAuthorizationException",
	"DELEGATION_TOKEN_AUTHORIZATION_FAILED": "DelegationTokenAuthorizationException", "DELEGATION_TOKEN_AUTH_DISABLED": "DelegationTokenDisabledException",
	"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED": "UnsupportedByAuthenticationException", "SASL_AUTHENTICATION_FAILED": "SaslAuthenticationException",
	"TOPIC_ALREADY_EXISTS": "TopicExistsException", "INVALID_CONFIG": "InvalidConfigurationException", "NON_EMPTY_GROUP": "GroupNotEmptyException",
	"OUT_OF_ORDER_SEQUENCE_NUMBER": "OutOfOrderSequenceException", "DUPLICATE_SEQUENCE_NUMBER": "DuplicateSequenceException",
	"INVALID_PRODUCER_ID_MAPPING": "InvalidPidMappingException", "INVALID_TRANSACTION_TIMEOUT": "InvalidTxnTimeoutException",
	"KAFKA_STORAGE_ERROR": "KafkaStorageException", "PRINCIPAL_DESERIALIZATION_FAILURE": "PrincipalDeserializationException",
	"FETCH_SESSION_TOPIC_ID_ERROR": "FetchSessionTopicIdException", "INVALID_REGULAR_EXPRESSION": "InvalidRegularExpression",
}

func className(code *kerr.Error) string {
	const folder = "org.apache.kafka.common.errors."
	if name := exceptions[code.Message]; name != "" {
		return folder + name
	}
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(code.Message), "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return folder + b.String() + "Exception"
}

// thrown is the message of an ExecutionException around err.
func thrown(err error) string {
	if late := (*timeoutError)(nil); errors.As(err, &late) {
		return "org.apache.kafka.common.errors.TimeoutException: " + late.text
	}
	var r *refusal
	if errors.As(err, &r) {
		return r.exception()
	}
	return err.Error()
}

// unreachable replaces what the client says when no broker answers by what Java's admin client says.
func unreachable(err error, call string) error {
	var code *kerr.Error
	if err == nil || errors.As(err, &code) {
		return err
	}
	return &timeoutError{"Timed out waiting for a node assignment. Call: " + call}
}

// timeoutError is Java's TimeoutException.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

// isTimeout tells whether no broker answered.
func isTimeout(err error) bool {
	return errors.As(err, new(*timeoutError))
}
