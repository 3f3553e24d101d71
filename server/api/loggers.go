package api

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/protocol"
)

// rootLogger is the one logger that there is.
const rootLogger = "root"

// logLevels are the levels that a logger can have, by Kafka's names
// (LogLevelConfig), the most talkative first. Nothing here logs with the first
// and the last one.
var logLevels = []struct {
	level slog.Level
	name  string
}{
	{slog.LevelDebug - 4, "TRACE"}, {slog.LevelDebug, "DEBUG"}, {slog.LevelInfo, "INFO"}, {slog.LevelWarn, "WARN"},
	{slog.LevelError, "ERROR"}, {slog.LevelError + 4, "FATAL"},
}

// logLevel is the level of the log: the first that is written.
func (a *API) logLevel() string {
	for _, l := range logLevels {
		if a.Log.Enabled(context.Background(), l.level) {
			return l.name
		}
	}
	return logLevels[len(logLevels)-1].name
}

func levelNamed(name string) (slog.Level, bool) {
	for _, l := range logLevels {
		if l.name == name {
			return l.level, true
		}
	}
	return 0, false
}

// checkLoggers judges changes of loggers as Kafka's RuntimeLoggerManager does.
func (a *API) checkLoggers(ops []config.Op) error {
	seen := make(map[string]bool, len(ops))
	for _, op := range ops {
		if seen[op.Name] {
			return protocol.ErrInvalidRequest.WithMessage("Error due to duplicate config keys: %.64s is changed twice", op.Name)
		}
		seen[op.Name] = true
		if op.Kind != config.OpDelete && op.Value == nil {
			return protocol.ErrInvalidRequest.WithMessage("Null value not supported for : %.64s", op.Name)
		}
	}
	for _, op := range ops {
		if err := a.checkLogger(op); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) checkLogger(op config.Op) error {
	if op.Kind < config.OpSet || op.Kind > config.OpSubtract {
		return protocol.ErrUnknownServerError // as of every resource
	}
	if op.Kind != config.OpSet && op.Kind != config.OpDelete {
		return protocol.ErrInvalidRequest.WithMessage("Operation %d is not allowed for the BROKER_LOGGER resource", op.Kind)
	}
	if op.Name != rootLogger {
		return protocol.ErrInvalidConfig.WithMessage("Logger %.64s does not exist!", op.Name)
	}
	if op.Kind == config.OpDelete {
		return protocol.ErrInvalidRequest.WithMessage("Removing the log level of the %s logger is not allowed", rootLogger)
	}
	if _, ok := levelNamed(*op.Value); !ok {
		var names []string
		for _, l := range logLevels {
			names = append(names, l.name)
		}
		slices.Sort(names)
		return protocol.ErrInvalidConfig.WithMessage("Cannot set the log level of %s to %.64s as it is not a supported log level. Valid log levels are %s",
			rootLogger, *op.Value, strings.Join(names, ", "))
	}
	if a.LogLevel == nil {
		return protocol.ErrInvalidRequest.WithMessage("The log level cannot be changed: whoever embeds this broker did not allow it.")
	}
	return nil
}

// alterLoggers makes changes that checkLoggers accepted. They last until the
// process ends, as in Kafka.
func (a *API) alterLoggers(ops []config.Op) {
	for _, op := range ops {
		level, _ := levelNamed(*op.Value)
		a.LogLevel.Set(level)
		a.Log.Warn("the log level was changed", "level", *op.Value)
	}
}
