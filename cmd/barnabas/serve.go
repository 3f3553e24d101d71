package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/terminal"
)

// processStart is as close to exec as a Go program can see.
var processStart = time.Now()

// serveFlags are the flags of `barnabas serve`.
type serveFlags struct {
	listen, overrides               []string
	data, profile, logFormat, level string
	file                            string
}

func parseServe(args []string, errOut io.Writer) (serveFlags, error) {
	var f serveFlags
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	set.SetOutput(errOut)
	set.SortFlags = false
	set.StringArrayVar(&f.listen, "listen", nil, "`HOST:PORT` to listen on, again for more; port 0 takes a free one")
	set.StringVar(&f.data, "data", "", "data `DIR`ectory; "+config.MemoryDir+" keeps nothing")
	inMemory := set.Bool("memory", false, "keep the data in memory: --data "+config.MemoryDir)
	set.StringVar(&f.profile, "profile", "", "`NAME` of the defaults: server (durable) or dev (fast and lenient)")
	set.StringArrayVar(&f.overrides, "override", nil, "`KEY=VALUE` of any setting, again for more")
	set.StringVar(&f.logFormat, "log-format", "text", "`FORMAT` of the log on stderr: text or json")
	set.StringVar(&f.level, "log-level", "", "least `LEVEL` to log: debug, info, warn (the default) or error")
	if err := set.Parse(args); err != nil {
		return f, usageError(err)
	}
	if *inMemory && f.data != "" && f.data != config.MemoryDir {
		return f, usageError(errors.New("--memory and --data: one or the other"))
	}
	if *inMemory {
		f.data = config.MemoryDir
	}
	switch set.NArg() {
	case 0:
	case 1:
		f.file = set.Arg(0)
	default:
		return f, usageError(fmt.Errorf("serve takes one properties file, not %d", set.NArg()))
	}
	return f, nil
}

func serve(args []string, out, errOut io.Writer) error {
	// Signals are taken before anything is opened, so that none ends the process half-way.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)

	f, err := parseServe(args, errOut)
	if err != nil {
		return err
	}
	logger, level, err := newLogger(f, errOut)
	if err != nil {
		return usageError(err)
	}
	settings, err := loadSettings(f)
	if err != nil {
		return usageError(err)
	}
	for _, w := range settings.Warnings {
		logger.Warn(w.Text, "setting", w.Key, "at", w.Origin.String())
	}
	b, err := broker.Open(broker.Options{Settings: settings, Log: logger, LogLevel: level, Version: versionText()})
	if err != nil {
		return withStatus(err)
	}
	if err := announce(b, out); err != nil {
		logger.Warn("the ready line could not be written", "error", err)
	}
	return waitAndStop(b, signals, logger)
}

// withStatus gives an error of opening or running the broker its exit status.
func withStatus(err error) error {
	var directory *broker.DirectoryError
	var settings *broker.SettingsError
	switch {
	case errors.As(err, &directory):
		return &exitError{exitDirectory, err}
	case errors.As(err, &settings):
		return usageError(err)
	}
	return &exitError{exitFailed, err}
}

const defaultLogLevel = "warn"

// newLogger makes the log and what its level hangs on.
func newLogger(f serveFlags, w io.Writer) (*slog.Logger, *slog.LevelVar, error) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(orElse(f.level, defaultLogLevel))); err != nil {
		return nil, nil, fmt.Errorf("the log level %q is none of debug, info, warn, error", f.level)
	}
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey && a.Value.Any() == broker.LevelNotice {
			a.Value = slog.StringValue("NOTICE")
		}
		return a
	}}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), level, nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), level, nil
	}
	return nil, nil, fmt.Errorf("--log-format: %q is neither text nor json", f.logFormat)
}

func loadSettings(f serveFlags) (*config.Static, error) {
	in := config.Input{
		Listen: f.listen, Data: f.data, Profile: f.profile, Overrides: f.overrides, Environ: os.Environ(), ReadFile: os.ReadFile,
	}
	if f.file != "" {
		text, err := os.ReadFile(f.file)
		if err != nil {
			return nil, fmt.Errorf("reading the properties file: %w", err)
		}
		in.File = &config.File{Name: f.file, Text: text}
	}
	return config.Load(in)
}

// ready is the line that scripts wait for.
type ready struct {
	Ready     bool    `json:"ready"`
	Bootstrap string  `json:"bootstrap"`
	HTTP      string  `json:"http,omitempty"` // host:port, if there is such a port
	NodeID    int32   `json:"node_id"`
	ClusterID string  `json:"cluster_id"`
	Version   string  `json:"version"`
	PID       int     `json:"pid"`
	StartMS   float64 `json:"start_ms"`
}

// announce tells that the listeners answer: one JSON line, or a banner for a person.
func announce(b *broker.Broker, out io.Writer) error {
	took := float64(time.Since(processStart).Microseconds()) / 1000
	if terminal.Is(out) {
		_, err := fmt.Fprintf(out, "Barnabas %s is ready on %s (%.1f ms)\n  data        %s\n  durability  %s\n  stop with Ctrl-C\n",
			versionText(), b.Bootstrap(), took, b.DataDir(), b.Durability())
		return err
	}
	line, err := json.Marshal(ready{
		Ready: true, Bootstrap: b.Bootstrap(), HTTP: b.HTTPAddress(), NodeID: b.NodeID(), ClusterID: b.ClusterID(),
		Version: versionText(), PID: os.Getpid(), StartMS: took,
	})
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

// haste is how long after the first signal a second one means haste. Before, it is
// the same wish by another way: a shell passes on what its whole process group got.
const haste = 500 * time.Millisecond

// endsNow tells whether a signal this long after the first ends the process at once.
// Only Ctrl-C does: supervisors send SIGTERM again while they wait, and have SIGKILL.
func endsNow(s os.Signal, after time.Duration) bool {
	return s == os.Interrupt && after >= haste
}

// awaitUnlessHasty waits for what the first signal set going. The signal that ends
// the process before that is not nil.
func awaitUnlessHasty(done <-chan error, signals <-chan os.Signal) (os.Signal, error) {
	first := time.Now()
	for {
		select {
		case err := <-done:
			return nil, err
		case s := <-signals:
			if endsNow(s, time.Since(first)) {
				return s, nil
			}
		}
	}
}

// waitAndStop runs until a signal or a fatal failure, then stops in order. A
// second Ctrl-C ends the process at once.
func waitAndStop(b *broker.Broker, signals <-chan os.Signal, logger *slog.Logger) error {
	var failure error
	select {
	case s := <-signals:
		logger.Info("stopping", "signal", s.String())
	case failure = <-b.Fatal():
		logger.Error("the broker cannot go on", "error", failure)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- b.Stop() }()
	s, err := awaitUnlessHasty(stopped, signals)
	switch {
	case s != nil:
		failure = fmt.Errorf("ended by a second %s before the stop was complete", s)
	case failure == nil:
		failure = err
	}
	if failure != nil {
		return withStatus(failure)
	}
	return nil
}
