package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/barnabas-mq/barnabas/config"
)

// configCommand is `barnabas config [KEY]` and `barnabas config check FILE`.
func configCommand(args []string, out, _ io.Writer) error {
	switch {
	case len(args) == 0:
		return config.WriteKeys(out, "")
	case args[0] == "check":
		return checkConfig(args[1:], out)
	case len(args) == 1:
		if err := config.WriteKeys(out, args[0]); err != nil {
			return usageError(err)
		}
		return nil
	}
	return usageError(errors.New("config takes the name of one setting, or: check FILE"))
}

func checkConfig(args []string, out io.Writer) error {
	if len(args) != 1 {
		return usageError(errors.New("config check takes one properties file"))
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return usageError(fmt.Errorf("reading the properties file: %w", err))
	}
	if !config.Check(out, config.File{Name: args[0], Text: text}, os.ReadFile) {
		return &exitError{exitUsage, fmt.Errorf("%s cannot be served as it is", args[0])}
	}
	return nil
}
