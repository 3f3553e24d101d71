package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/applets"
)

// run runs the broker as an image's start does: topics and scripts first, then the
// lines that launchers wait for.
func (s *imageStart) run(out, errOut io.Writer) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	settings, err := s.load()
	if err != nil {
		return usageError(err)
	}
	logger, level, err := newLogger(s.logging(), errOut)
	if err != nil {
		return usageError(err)
	}
	for _, w := range settings.Warnings {
		logger.Warn(w.Text, "setting", w.Key, "at", w.Origin.String())
	}
	topics, err := topicsToCreate(s.environ)
	if err != nil {
		return usageError(err)
	}
	b, err := broker.Open(broker.Options{Settings: settings, Log: logger, LogLevel: level, Version: versionText()})
	if err != nil {
		return withStatus(explainDirectory(err, dataOf(settings)))
	}
	defer besideKafka(s.beside, logger)()
	prepared := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { prepared <- s.prepare(ctx, b, topics, out, errOut) }()
	select {
	case err = <-prepared:
	case stop := <-signals: // not ready yet, and already unwanted
		cancel()
		if again, _ := awaitUnlessHasty(prepared, signals); again != nil { // a script does not want to end
			return &exitError{exitFailed, fmt.Errorf("ended by a second %s before the start was given up", again)}
		}
		select {
		case signals <- stop:
		default: // there is another one
		}
		return waitAndStop(b, signals, logger)
	}
	if err != nil {
		logger.Error("the start failed", "error", err)
		if err := b.Stop(); err != nil {
			logger.Error("stopping", "error", err)
		}
		return &exitError{exitFailed, err}
	}
	if _, err := io.WriteString(out, s.banner(b.NodeID(), b.Bootstrap(), time.Now())); err != nil {
		logger.Warn("the ready lines could not be written", "error", err)
	}
	return waitAndStop(b, signals, logger)
}

// logging is what the flags say, then the environment.
func (s *imageStart) logging() serveFlags {
	return serveFlags{
		logFormat: orElse(s.serve.logFormat, "text"), level: orElse(s.serve.level, orElse(variable(s.environ, "BARNABAS_LOG_LEVEL"), defaultLogLevel)),
	}
}

func (s *imageStart) load() (*config.Static, error) {
	in, warnings, err := s.input(chooseData(s.family.DataDirs(), mounts(), hasData))
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(in)
	if err == nil && !settings.HasNodeID() {
		settings, err = loadWithNodeID(settings, in)
	}
	if err != nil {
		return nil, err
	}
	settings.Warnings = append(warnings, settings.Warnings...)
	return settings, nil
}

// loadWithNodeID lets the data decide about the node id, which nobody wrote: the
// families' defaults differ, and a volume may come from another one.
func loadWithNodeID(settings *config.Static, in config.Input) (*config.Static, error) {
	dir := dataOf(settings)
	id := propertyOf(filepath.Join(dir, metaProperties), "node.id")
	if id == "" {
		return settings, nil
	}
	in.Given = append(in.Given, config.Setting{
		Name: "node.id", Value: id, Origin: config.Origin{Kind: config.FromProfile, Name: filepath.Join(dir, metaProperties)},
	})
	return config.Load(in)
}

func dataOf(settings *config.Static) string {
	if b, err := settings.Broker(nil, nil); err == nil {
		return b.LogDirs[0]
	}
	return "the data directory"
}

// prepare makes what must be there before anybody is told that the broker is
// ready.
func (s *imageStart) prepare(ctx context.Context, b *broker.Broker, topics []topicToCreate, out, errOut io.Writer) error {
	plain := b.Unguarded()
	if plain == "" && len(topics) > 0 {
		return errors.New("topics to create need a listener without TLS and logins; one on a loopback address will do")
	}
	if err := createTopics(ctx, plain, topics); err != nil {
		return err
	}
	marker := filepath.Join(b.DataDir(), initMarker)
	if b.DataDir() == config.MemoryDir {
		marker = "" // data that end with the process are new every time
	}
	if err := runInitScripts(ctx, initScripts, marker, out, errOut); err != nil {
		return err
	}
	return askVersions(cmp.Or(plain, b.Bootstrap()), plain == "" && b.IsSecured())
}

const (
	initScripts = "/docker-entrypoint-initdb.d"
	// initMarker says that the scripts ran: once in the life of a data directory, as
	// bitnami's image has it.
	initMarker = ".barnabas-initialized"
)

// runInitScripts runs a folder's *.sh in the order of their names, in this process's
// shell, unless the marker's file says that they ran. Without a marker they always run.
func runInitScripts(ctx context.Context, folder, marker string, out, errOut io.Writer) error {
	scripts, err := filepath.Glob(filepath.Join(folder, "*.sh"))
	if err != nil || len(scripts) == 0 {
		return err
	}
	if _, err := os.Stat(marker); err == nil && marker != "" {
		return nil
	}
	for _, script := range scripts {
		if status, _ := applets.Run(ctx, "bash", []string{script}, strings.NewReader(""), out, errOut); status != 0 {
			return fmt.Errorf("%s ended with status %d", script, status)
		}
	}
	if marker == "" {
		return nil
	}
	if err := os.WriteFile(marker, []byte("the scripts of "+folder+" ran\n"), 0o600); err != nil {
		return fmt.Errorf("remembering that the scripts ran: %w", err)
	}
	return nil
}

// banner is what launchers look for in the log, each line the shortest that
// their patterns match. The second block is what older images say.
func (s *imageStart) banner(node int32, bootstrap string, now time.Time) string {
	at := now.UTC().Format("[2006-01-02 15:04:05,000]")
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s INFO [BrokerLifecycleManager id=%d] Transitioning from RECOVERY to RUNNING.\n", at, node)
	fmt.Fprintf(&lines, "%s INFO [KafkaRaftServer nodeId=%d] Kafka Server started\n", at, node)
	fmt.Fprintf(&lines, "%s INFO [KafkaServer id=%d] started\n", at, node)
	if variable(s.environ, "KAFKA_ZOOKEEPER_CONNECT") != "" {
		fmt.Fprintf(&lines, "%s INFO Creating new log file\n%s DEBUG Checking need to trigger auto leader balancing\n", at, at)
	}
	if s.family == config.Redpanda {
		fmt.Fprintf(&lines, "INFO  Started Kafka API server listening at %s\nINFO  Successfully started Redpanda!\n", bootstrap)
	}
	return lines.String()
}

// keepZooKeeper stands in for ZooKeeper, which nobody needs: it stays until it is
// told to stop, and accepts connections where launchers wait for a listening port.
func keepZooKeeper(file string, errOut io.Writer) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	port := orElse(propertyOf(file, "clientPort"), "2181")
	l, err := net.Listen("tcp", net.JoinHostPort("", port))
	if err != nil {
		fmt.Fprintf(errOut, "zookeeper-server-start: port %s stays closed: %v\n", port, err)
	} else {
		defer l.Close()
		go func() { // ends when the listener is closed
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_ = conn.Close()
			}
		}()
	}
	<-signals
	return nil
}
