package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "rootfs:", err)
		os.Exit(1)
	}
}

// run writes what the flags ask for.
func run(args []string) error {
	set := pflag.NewFlagSet("rootfs", pflag.ContinueOnError)
	set.SortFlags = false
	binaries := set.StringArray("binary", nil, "`ARCH=FILE`, a binary for linux on amd64 or arm64, again for more")
	layers := set.String("layers", "", "write rootfs-ARCH.tar of each binary into this `FOLDER`, for the Dockerfile")
	oci := set.String("oci", "", "write an OCI archive of all binaries to this `FILE`")
	tags := set.StringArray("tag", []string{"barnabas:latest"}, "`NAME:TAG` of the image in the OCI archive, again for more")
	version := set.String("version", "unknown", "`VERSION` in the image's labels")
	if err := set.Parse(args); err != nil {
		return err
	}
	if len(*binaries) == 0 || *layers == "" && *oci == "" {
		return errors.New("give --binary ARCH=FILE, and --layers or --oci")
	}
	var images []platformImage
	for _, text := range *binaries {
		arch, name, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--binary %s is not of the form ARCH=FILE", text)
		}
		binary, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		images = append(images, platformImage{arch, binary})
	}
	if *layers != "" {
		for _, image := range images {
			name := *layers + "/rootfs-" + image.arch + ".tar"
			if err := writeFile(name, func(w io.Writer) error { return writeLayer(w, image.binary) }); err != nil {
				return err
			}
		}
	}
	if *oci == "" {
		return nil
	}
	return writeFile(*oci, func(w io.Writer) error { return writeOCI(w, *version, *tags, images) })
}

// writeFile leaves no half a file behind.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(name)
	}
	return err
}
